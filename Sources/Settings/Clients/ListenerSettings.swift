/// Where clients come in, and how.
public struct ListenerSettings: Sendable, Equatable {
  /// The address.
  public var address: ListenAddress
  /// Whether every connection begins with a PROXY header, and is refused where it comes from no trusted proxy.
  public var proxyProtocol: Bool
  /// Whether it is for operators: the gateway's figures, and nothing else.
  public var isAdmin = false
  /// Whether clients may speak HTTP/2: by prior knowledge, or as TLS has agreed.
  public var http2 = false

  /// Puts a listener together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - address: the address.
  ///   - proxyProtocol: whether every connection begins with a PROXY header.
  public init(address: ListenAddress, proxyProtocol: Bool = false) {
    self.address = address
    self.proxyProtocol = proxyProtocol
  }

  /// A listener on an IPv4 address.
  public static func ipv4(host: String, port: UInt16) -> ListenerSettings {
    ListenerSettings(address: .ipv4(host: host, port: port))
  }

  /// A listener on an IPv6 address.
  public static func ipv6(host: String, port: UInt16) -> ListenerSettings {
    ListenerSettings(address: .ipv6(host: host, port: port))
  }

  /// A listener on a Unix socket.
  public static func unix(path: String) -> ListenerSettings {
    ListenerSettings(address: .unix(path: path))
  }
}

extension ListenerSettings {
  /// Reads one listener; `nil` if its address was missing or wrong, which the reader has noted.
  init?(_ reader: SettingsReader) {
    let address: ListenAddress? = reader.required(
      "address", allowed: ListenAddress.allowed, "IPv4:port, [IPv6]:port or unix:/absolute/path."
    ) { ListenAddress($0) }
    let proxyProtocol = reader.flag(
      "proxy_protocol", default: false, "Whether connections begin with a PROXY header; only from trusted_proxies.")
    let isAdmin = reader.flag(
      "admin", default: false, "Whether it is for operators: /metrics and /health, and nothing else.")
    let http2 = reader.flag(
      "http2", default: false, "Whether clients may speak HTTP/2 as well, by prior knowledge.")
    guard let address else { return nil }
    self.init(address: address, proxyProtocol: proxyProtocol)
    self.isAdmin = isAdmin
    self.http2 = http2
  }
}
