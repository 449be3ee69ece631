/// What one client may take, in time and in bytes.
public struct ClientSettings: Sendable, Equatable {
  /// How many connections there may be at a time.
  public var connections = ConnectionBound.auto
  /// After how long a silence the client's system is asked whether it is still there (TCP_KEEPIDLE); 1 s to 2 h.
  public var tcpKeepalive = Duration.seconds(30)
  /// How many bytes the kernel may hold for a client beyond those on their way (TCP_NOTSENT_LOWAT); 4 KiB to 16 MiB.
  public var unsentSizeBytes = 64 * 1024
  /// How long a request's head may take to arrive; 100 ms to 10 min.
  public var headTimeout: Duration
  /// How long a request's body may take to arrive; 100 ms to 1 h.
  public var bodyTimeout: Duration
  /// How long a connection may stay without a request; 1 s to 1 d.
  public var idleTimeout: Duration
  /// How long a client may take nothing although something waits; 1 s to 1 d.
  public var sendTimeout: Duration
  /// The largest request head; 1 KiB to 1 MiB.
  public var headSizeBytes: Int
  /// The longest request target; 256 B to 512 KiB and less than `headSizeBytes`.
  public var uriSizeBytes: Int
  /// The largest request body; 1 KiB to 1 GiB.
  public var bodySizeBytes: Int
  /// What one HTTP/2 connection may take.
  public var http2 = HTTP2Settings()

  /// Puts client settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - headTimeout: how long a request's head may take to arrive.
  ///   - bodyTimeout: how long a request's body may take to arrive.
  ///   - idleTimeout: how long a connection may stay without a request.
  ///   - sendTimeout: how long a client may take nothing although something waits.
  ///   - headSizeBytes: the largest request head.
  ///   - uriSizeBytes: the longest request target.
  ///   - bodySizeBytes: the largest request body.
  public init(
    headTimeout: Duration, bodyTimeout: Duration, idleTimeout: Duration, sendTimeout: Duration, headSizeBytes: Int,
    uriSizeBytes: Int, bodySizeBytes: Int
  ) {
    self.headTimeout = headTimeout
    self.bodyTimeout = bodyTimeout
    self.idleTimeout = idleTimeout
    self.sendTimeout = sendTimeout
    self.headSizeBytes = headSizeBytes
    self.uriSizeBytes = uriSizeBytes
    self.bodySizeBytes = bodySizeBytes
  }

  /// What holds where the file says nothing.
  public static let `default` = ClientSettings(
    headTimeout: .seconds(10), bodyTimeout: .seconds(30), idleTimeout: .seconds(75), sendTimeout: .seconds(60),
    headSizeBytes: 16 * 1024, uriSizeBytes: 8 * 1024, bodySizeBytes: 4 * 1024 * 1024)
}

extension ClientSettings {
  init(_ reader: SettingsReader) {
    let standard = ClientSettings.default
    self.init(
      headTimeout: reader.duration(
        "head_timeout", default: standard.headTimeout, in: .milliseconds(100) ... .seconds(600),
        "How long a request's head may take to arrive."),
      bodyTimeout: reader.duration(
        "body_timeout", default: standard.bodyTimeout, in: .milliseconds(100) ... .seconds(3600),
        "How long a request's body may take to arrive."),
      idleTimeout: reader.duration(
        "idle_timeout", default: standard.idleTimeout, in: .seconds(1) ... .seconds(86400),
        "How long a connection may stay open without a request."),
      sendTimeout: reader.duration(
        "send_timeout", default: standard.sendTimeout, in: .seconds(1) ... .seconds(86400),
        "How long a client may take nothing, although something waits for it."),
      headSizeBytes: reader.byteCount(
        "head_size", default: standard.headSizeBytes, in: 1024...1024 * 1024,
        "The largest request head; a larger one is answered with 431."),
      uriSizeBytes: reader.byteCount(
        "uri_size", default: standard.uriSizeBytes, in: 256...512 * 1024,
        "The longest request target, less than head_size; a longer one is answered with 414."),
      bodySizeBytes: reader.byteCount(
        "body_size", default: standard.bodySizeBytes, in: 1024...1024 * 1024 * 1024,
        "The largest request body; a larger one is answered with 413."))
    connections = reader.text(
      "connections", default: .auto, allowed: ConnectionBound.allowed,
      "How many connections there may be; more wait in the kernel. auto = half of the descriptors that are allowed."
    ) { ConnectionBound($0) }
    tcpKeepalive = reader.duration(
      "tcp_keepalive", default: standard.tcpKeepalive, in: .seconds(1) ... .seconds(7200),
      "After how long a silence the client's system is asked whether it is there; without three answers it is cut.")
    unsentSizeBytes = reader.byteCount(
      "unsent_size", default: standard.unsentSizeBytes, in: 4 * 1024...16 * 1024 * 1024,
      "How much the kernel may hold for a client beyond what is on its way; what is more counts as its lag.")
    http2 = reader.section("http2", "What one HTTP/2 connection may take; rates hold for bursts of their unit, too.") {
      HTTP2Settings($0)
    }
    if reader.isClean, uriSizeBytes >= headSizeBytes {
      reader.refuse(
        "uri_size", or: "head_size", given: UnitScale.bytes.text(for: Int64(uriSizeBytes)),
        allowed: "less than head_size, which is \(UnitScale.bytes.text(for: Int64(headSizeBytes)))")
    }
  }
}
