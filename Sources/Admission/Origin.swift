import Bytes

/// Where a page comes from: scheme, host and port (RFC 6454 §4; WHATWG HTML, origin).
///
/// Equal values are the same origin: letters are in lower case and a default port is the same as none.
public struct Origin: Sendable, Hashable {
  /// The scheme in lower case, such as `https`; applications that embed a browser have their own.
  public let scheme: String
  /// The host.
  public let host: Host
  /// The port, `nil` where it is the scheme's default one.
  public let port: UInt16?

  /// Makes an origin from its parts.
  ///
  /// - Parameters:
  ///   - scheme: the scheme in lower case.
  ///   - host: the host.
  ///   - port: the port; the scheme's default one becomes `nil`.
  public init(scheme: String, host: Host, port: UInt16?) {
    self.scheme = scheme
    self.host = host
    self.port = port == Origin.defaultPort(of: scheme) ? nil : port
  }

  /// Reads an origin as browsers send it in the `Origin` field.
  ///
  /// `nil` for everything else, `null` included.
  ///
  /// - Parameter text: `scheme://host` or `scheme://host:port`, nothing more.
  public init?(_ text: String) {
    guard let parts = Origin.split(text), Origin.isScheme(parts.scheme),
      let authority = Authority(parts.rest)
    else { return nil }
    self.init(scheme: parts.scheme.lowercased(), host: authority.host, port: authority.port)
  }

  /// Whether a request with this `Host` field goes where the page came from.
  ///
  /// The scheme is the origin's own: a gateway behind a TLS proxy cannot know by which one its client came.
  ///
  /// - Parameter authority: the `Host` field's value.
  /// - Returns: whether host and port are the same, default ports filled in.
  func isSame(as authority: String) -> Bool {
    guard let authority = Authority(authority) else { return false }
    return Origin(scheme: scheme, host: authority.host, port: authority.port) == self
  }

  /// What stands before the `://` and after it.
  static func split(_ text: String) -> (scheme: Substring, rest: Substring)? {
    guard let colon = text.utf8.firstIndex(of: ASCII.colon), text[colon...].hasPrefix("://") else { return nil }
    return (text[..<colon], text[colon...].dropFirst(3))
  }

  /// Whether a text is a scheme (RFC 3986 §3.1).
  static func isScheme(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, ASCII.lowercased(first) &- 0x61 < 26 else { return false }
    return text.utf8.allSatisfy { byte in
      ASCII.lowercased(byte) &- 0x61 < 26 || ASCII.digit(byte) != nil || "+-.".utf8.contains(byte)
    }
  }

  private static func defaultPort(of scheme: String) -> UInt16? {
    switch scheme {
    case "http": 80
    case "https": 443
    default: nil
    }
  }
}

extension Origin: CustomStringConvertible {
  /// The origin as browsers send it.
  public var description: String {
    "\(scheme)://\(host)\(port.map { ":\($0)" } ?? "")"
  }
}
