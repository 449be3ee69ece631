import Admission

/// Where one instance of an orchestrator answers HTTP.
public struct EndpointAddress: Sendable, Hashable {
  /// A host name, or a numeric address without brackets.
  public let host: String
  /// The port, 1 to 65535.
  public let port: UInt16
  /// Whether it is spoken to by TLS.
  public let isSecure: Bool

  /// Makes an address of its parts.
  ///
  /// - Parameters:
  ///   - host: a host name, or a numeric address without brackets.
  ///   - port: the port, 1 to 65535.
  ///   - isSecure: whether it is spoken to by TLS.
  public init(host: String, port: UInt16, isSecure: Bool = false) {
    self.isSecure = isSecure
    self.host = host
    self.port = port
  }

  /// The value of the `Host` field for requests to it: IPv6 in brackets, no port where it is the scheme's (RFC 9110 §7.2).
  public var authority: String {
    let host = self.host.contains(":") ? "[\(self.host)]" : self.host
    return port == (isSecure ? 443 : 80) ? host : "\(host):\(port)"
  }

  /// Reads an endpoint as it stands in the settings.
  init(_ text: String) throws(Mismatch) {
    guard !text.contains("@") else {
      throw Mismatch("http[s]://host[:port] without user and password", given: "an endpoint with a user")
    }
    let isSecure = text.hasPrefix("https://")
    let scheme = isSecure ? "https://" : "http://"
    guard text.hasPrefix(scheme) else { throw Mismatch(EndpointAddress.allowed) }
    let rest = text.dropFirst(scheme.count)
    guard !rest.contains(where: { "/?#".contains($0) }) else {
      throw Mismatch("http[s]://host[:port] without path, query or slash at its end")
    }
    guard let authority = Authority(rest) else { throw Mismatch(EndpointAddress.allowed) }
    self.init(host: authority.host.address, port: authority.port ?? (isSecure ? 443 : 80), isSecure: isSecure)
  }

  static let allowed = "http[s]://host[:port] with a host name or address (IPv6 in brackets)"
}

extension EndpointAddress: CustomStringConvertible {
  /// The endpoint as it stands in the settings.
  public var description: String { "http\(isSecure ? "s" : "")://\(authority)" }
}
