import Admission

/// An address on which clients are accepted.
public enum ListenAddress: Sendable, Hashable {
  /// An IPv4 address such as `127.0.0.1` or `0.0.0.0`, and a port; 0 lets the kernel choose.
  case ipv4(host: String, port: UInt16)
  /// An IPv6 address without brackets such as `::1` or `::`, and a port; 0 lets the kernel choose.
  case ipv6(host: String, port: UInt16)
  /// The absolute path of a Unix socket, at most 107 bytes (unix(7), `sun_path`).
  case unix(path: String)

  static let allowed = "0.0.0.0:8004, [::1]:8004 or unix:/absolute/path (at most 107 bytes)"

  /// Reads an address as it stands in the settings.
  ///
  /// `nil` for everything else, names included: which of a name's addresses was meant is nobody's to guess.
  ///
  /// - Parameter text: `IPv4:port`, `[IPv6]:port` or `unix:/absolute/path`.
  public init?(_ text: String) {
    if let path = text.hasPrefix("unix:") ? text.dropFirst(5) : nil {
      guard path.hasPrefix("/"), !path.hasSuffix("/"), path.utf8.count <= 107, !path.utf8.contains(0) else {
        return nil
      }
      self = .unix(path: String(path))
      return
    }
    guard let colon = text.lastIndex(of: ":"), let host = Host(text[..<colon]),
      let port = ListenAddress.port(text[text.index(after: colon)...])
    else { return nil }
    switch host {
    case .ipv4: self = .ipv4(host: host.address, port: port)
    case .ipv6: self = .ipv6(host: host.address, port: port)
    case .name: return nil
    }
  }

  private static func port(_ text: Substring) -> UInt16? {
    guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), text == "0" || !text.hasPrefix("0")
    else { return nil }
    return UInt16(text)
  }
}

extension ListenAddress: CustomStringConvertible {
  /// The address as it stands in the settings.
  public var description: String {
    switch self {
    case .ipv4(let host, let port): "\(host):\(port)"
    case .ipv6(let host, let port): "[\(host)]:\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}
