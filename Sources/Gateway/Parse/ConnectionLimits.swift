internal import Settings
public import Wire

/// What one client connection may cost; the settings' `clients` and `streams`, as a connection needs them.
///
/// One for all connections: each refers to it.
public final class ConnectionLimits: Sendable {
  /// `clients.head_timeout`: a whole head must come within this.
  public let headTimeout: Duration
  /// `clients.body_timeout`: a whole body must come within this.
  public let bodyTimeout: Duration
  /// `clients.idle_timeout`: an open connection without a request is closed after this.
  public let idleTimeout: Duration
  /// `clients.send_timeout`: a client that takes nothing for this long, although something waits, is closed.
  public let sendTimeout: Duration
  /// `streams.heartbeat`: a stream is never silent for longer.
  public let heartbeat: Duration
  /// `clients.head_size` and `clients.uri_size`.
  public let head: HeadLimits
  /// `clients.body_size`.
  public let bodyBytes: Int
  /// `clients.http2`.
  let http2: HTTP2Settings

  /// How long a connection whose request was refused is read from before it is closed, so that the client sees the answer and not a reset.
  ///
  /// RFC 9112 §9.6.
  static let lingering = Duration.seconds(2)

  /// All limits of HTTP/1, each from the setting of its name.
  public convenience init(
    headTimeout: Duration, bodyTimeout: Duration, idleTimeout: Duration, sendTimeout: Duration,
    heartbeat: Duration, head: HeadLimits, bodyBytes: Int
  ) {
    self.init(
      headTimeout: headTimeout, bodyTimeout: bodyTimeout, idleTimeout: idleTimeout, sendTimeout: sendTimeout,
      heartbeat: heartbeat, head: head, bodyBytes: bodyBytes, http2: HTTP2Settings())
  }

  init(
    headTimeout: Duration, bodyTimeout: Duration, idleTimeout: Duration, sendTimeout: Duration,
    heartbeat: Duration, head: HeadLimits, bodyBytes: Int, http2: HTTP2Settings
  ) {
    self.headTimeout = headTimeout
    self.bodyTimeout = bodyTimeout
    self.idleTimeout = idleTimeout
    self.sendTimeout = sendTimeout
    self.heartbeat = heartbeat
    self.head = head
    self.bodyBytes = bodyBytes
    self.http2 = http2
  }
}

extension ConnectionLimits {
  /// The limits as configured.
  convenience init(_ settings: Settings) {
    self.init(
      headTimeout: settings.clients.headTimeout, bodyTimeout: settings.clients.bodyTimeout,
      idleTimeout: settings.clients.idleTimeout, sendTimeout: settings.clients.sendTimeout,
      heartbeat: settings.streams.heartbeat,
      head: HeadLimits(headBytes: settings.clients.headSizeBytes, targetBytes: settings.clients.uriSizeBytes),
      bodyBytes: settings.clients.bodySizeBytes, http2: settings.clients.http2)
  }
}
