/// A pool of orchestrators that all answer the same, and how to talk to them.
public struct UpstreamSettings: Sendable, Equatable {
  /// Where they answer; 1 to 64, no two the same.
  public var endpoints: [EndpointAddress]
  /// How long a connection may take to be made; 10 ms to 5 min.
  public var connectTimeout: Duration
  /// How long an answer may take to begin, from the request's last byte; 100 ms to 1 h.
  public var firstByteTimeout: Duration
  /// How long an answer may pause between two reads; 100 ms to 1 d.
  public var idleTimeout: Duration
  /// How long an unused connection is kept, 0 for not at all; at most 1 h.
  public var keepAlive: Duration
  /// How many unused connections are kept per endpoint; 1 to 65536.
  public var keepAliveConnections: Int
  /// After how long a silence the endpoint's system is asked whether it is still there (TCP_KEEPIDLE); 1 s to 2 h.
  public var tcpKeepalive = Duration.seconds(30)
  /// How endpoints by https prove who they are; `nil` where there are none.
  public var tls: UpstreamTLSSettings?

  /// Puts a pool's settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - endpoints: where they answer.
  ///   - connectTimeout: how long a connection may take to be made.
  ///   - firstByteTimeout: how long an answer may take to begin.
  ///   - idleTimeout: how long an answer may pause.
  ///   - keepAlive: how long an unused connection is kept.
  ///   - keepAliveConnections: how many unused connections are kept per endpoint.
  public init(
    endpoints: [EndpointAddress], connectTimeout: Duration, firstByteTimeout: Duration, idleTimeout: Duration,
    keepAlive: Duration, keepAliveConnections: Int
  ) {
    self.endpoints = endpoints
    self.connectTimeout = connectTimeout
    self.firstByteTimeout = firstByteTimeout
    self.idleTimeout = idleTimeout
    self.keepAlive = keepAlive
    self.keepAliveConnections = keepAliveConnections
  }

  /// A pool of these endpoints with the default for everything else.
  ///
  /// - Parameter endpoints: where they answer.
  /// - Returns: what holds where the file says nothing else.
  public static func `default`(endpoints: [EndpointAddress]) -> UpstreamSettings {
    UpstreamSettings(
      endpoints: endpoints, connectTimeout: .seconds(2), firstByteTimeout: .seconds(60), idleTimeout: .seconds(60),
      keepAlive: .seconds(4), keepAliveConnections: 1024)
  }
}

extension UpstreamSettings {
  init(_ reader: SettingsReader) {
    let standard = UpstreamSettings.default(endpoints: [])
    let endpoints = reader.values(
      "endpoints", default: nil, count: 1...64, allowed: EndpointAddress.allowed,
      "Where the instances answer, by http or https."
    ) { text throws(Mismatch) in try EndpointAddress(text) }
    self.init(
      endpoints: endpoints,
      connectTimeout: reader.duration(
        "connect_timeout", default: standard.connectTimeout, in: .milliseconds(10) ... .seconds(300),
        "How long a connection may take to be made."),
      firstByteTimeout: reader.duration(
        "first_byte_timeout", default: standard.firstByteTimeout, in: .milliseconds(100) ... .seconds(3600),
        "How long an answer may take to begin."),
      idleTimeout: reader.duration(
        "idle_timeout", default: standard.idleTimeout, in: .milliseconds(100) ... .seconds(86400),
        "How long an answer may pause between two reads."),
      keepAlive: reader.duration(
        "keep_alive", default: standard.keepAlive, in: .zero ... .seconds(3600),
        "How long an unused connection is kept, shorter than the orchestrator keeps it; 0s = never."),
      keepAliveConnections: reader.count(
        "keep_alive_connections", default: standard.keepAliveConnections, in: 1...65536,
        "How many unused connections are kept per endpoint."))
    tcpKeepalive = reader.duration(
      "tcp_keepalive", default: standard.tcpKeepalive, in: .seconds(1) ... .seconds(7200),
      "After how long a silence its system is asked whether it is there; without three answers it is given up.")
    let isSecure = endpoints.contains(where: \.isSecure)
    tls = reader.section("tls", "How endpoints by https prove who they are.") {
      UpstreamTLSSettings($0, isNeeded: isSecure)
    }
    if reader.isClean, reader.has("tls"), !isSecure {
      reader.refuse("tls", given: "tls with http endpoints", allowed: "tls only where an endpoint begins with https://")
    }
  }
}
