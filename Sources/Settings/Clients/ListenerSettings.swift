/// Where clients come in, and how.
public struct ListenerSettings: Sendable, Equatable {
  /// The address.
  public var address: ListenAddress
  /// Whether every connection begins with a PROXY header, and is refused where it comes from no trusted proxy.
  public var proxyProtocol: Bool
  /// Whether it is for operators: the gateway's figures, and nothing else.
  public var isAdmin = false
  /// How it encrypts; `nil` where it does not.
  public var tls: ListenerTLSSettings?
  /// Where it sends its clients, instead of serving them.
  public var redirect: HTTPSRedirect?
  /// For how long browsers are told to come by https only; `nil` where they are told nothing.
  public var strictTransport: Duration?
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
    let tls = reader.optionalSection("tls", "Encrypts, with TLS 1.2 and 1.3; read again on SIGHUP.") {
      ListenerTLSSettings($0)
    }
    let redirect: HTTPSRedirect? = reader.optional(
      "redirect", allowed: HTTPSRedirect.allowed,
      "Sends clients to the same host by https, which is all that the listener does; https alone is port 443."
    ) { HTTPSRedirect($0) }
    let strictTransport = ListenerSettings.strictTransport(reader)
    let http2 = reader.flag(
      "http2", default: false, "Whether clients may speak HTTP/2 as well: as TLS agrees, or by prior knowledge.")
    guard let address else { return nil }
    self.init(address: address, proxyProtocol: proxyProtocol)
    self.isAdmin = isAdmin
    self.http2 = http2
    self.tls = tls
    self.redirect = redirect
    self.strictTransport = strictTransport
    guard reader.isClean else { return }
    if redirect != nil, tls != nil || isAdmin {
      let other = tls != nil ? "tls" : "admin"
      reader.refuse("redirect", given: "redirect with \(other)", allowed: "redirect on a listener of its own")
    }
    if strictTransport != nil, tls == nil {
      reader.refuse("hsts", given: "hsts without tls", allowed: "hsts only with tls; browsers believe it only there")
    }
  }

  private static func strictTransport(_ reader: SettingsReader) -> Duration? {
    let bounds = Duration.zero ... .seconds(3650 * 86400)
    return reader.optional(
      "hsts", allowed: UnitScale.seconds.allowed(in: bounds),
      "For how long browsers are to come by https only (Strict-Transport-Security); 0s = they may forget it."
    ) { UnitScale.seconds.duration(of: $0, in: bounds) }
  }

  /// Whether it is the same place with the same kind of door, so that a reload can put it into force.
  public func canBecome(_ other: ListenerSettings) -> Bool {
    address == other.address && proxyProtocol == other.proxyProtocol && isAdmin == other.isAdmin
      && (tls == nil) == (other.tls == nil)
  }
}
