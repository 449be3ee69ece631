import Bytes

/// A host with an optional port, as in a `Host` field or after the `://` of a URI (RFC 3986 §3.2, without user).
public struct Authority: Sendable, Hashable {
  /// The host.
  public let host: Host
  /// The port, `nil` where none was written.
  public let port: UInt16?

  /// Reads `host` or `host:port`; `nil` for everything else.
  ///
  /// - Parameter text: the authority alone; the port in decimal digits, 1 to 65535, without leading zeros.
  public init?(_ text: some StringProtocol) {
    // An IPv6 address has colons of its own, inside brackets.
    let hostEnd = text.lastIndex(of: "]") ?? text.startIndex
    guard let colon = text[hostEnd...].firstIndex(of: ":") else {
      guard let host = Host(text) else { return nil }
      self.host = host
      self.port = nil
      return
    }
    guard let host = Host(text[..<colon]), let port = Authority.port(text[text.index(after: colon)...]) else {
      return nil
    }
    self.host = host
    self.port = port
  }

  private static func port(_ text: some StringProtocol) -> UInt16? {
    guard text.utf8.allSatisfy({ ASCII.digit($0) != nil }), !text.hasPrefix("0") else { return nil }
    return UInt16(text)
  }
}
