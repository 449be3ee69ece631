/// Why a request, and with it maybe its connection, came to its end: one word in the log, the metric and the test.
public enum CloseReason: String, Sendable, CaseIterable {
  /// The answer was sent whole.
  case completed
  /// The client ended its side (FIN) before the answer was whole.
  case clientClosed = "client_closed"
  /// The client's connection broke (RST, unreachable, unacknowledged for too long).
  case clientReset = "client_reset"
  /// The reader lagged further than `streams.client_buffer`.
  case slowReader = "slow_reader"
  /// The client took nothing for `clients.send_timeout` although something waited.
  case sendTimeout = "send_timeout"
  /// The TLS handshake was not over after `listen[].tls.handshake_timeout`.
  case handshakeTimeout = "handshake_timeout"
  /// The TLS handshake failed: no TLS, no version or cipher in common, or no certificate that is believed.
  case handshakeFailed = "handshake_failed"
  /// The head was not whole after `clients.head_timeout`.
  case headTimeout = "head_timeout"
  /// The body was not whole after `clients.body_timeout`.
  case bodyTimeout = "body_timeout"
  /// No request came for `clients.idle_timeout`.
  case idleTimeout = "idle_timeout"
  /// The bytes were not a request that this gateway takes.
  case badRequest = "bad_request"
  /// The client asked for more than a bound of `clients.http2` allows; the bound's name stands beside.
  case flood = "http2_flood"
  /// The request was understood and refused: no route, no permission.
  case refused
  /// The client did not prove who it is.
  case unauthenticated
  /// The token of its request has expired.
  case tokenExpired = "token_expired"
  /// A limit had no room for it; the limit's name stands beside.
  case limited = "limit"
  /// `memory.budget` had no room for it.
  case memoryBudget = "memory_budget"
  /// A newer one got its room, because the limit says so.
  case evicted
  /// No orchestrator could be reached.
  case upstreamUnreachable = "upstream_unreachable"
  /// The orchestrator did not connect, begin or go on in time.
  case upstreamTimeout = "upstream_timeout"
  /// The orchestrator answered with a status other than 2xx.
  case upstreamStatus = "upstream_status"
  /// The orchestrator's answer ended or was cut without a terminal event.
  case upstreamClosed = "upstream_closed"
  /// The orchestrator's answer was not HTTP, or not a stream of events.
  case upstreamProtocol = "upstream_protocol"
  /// One event of the orchestrator was larger than `streams.event_size`.
  case eventTooLarge = "event_too_large"
  /// The client has lost events of this stream of its mux, and is to open it again at the place that it knows.
  case gap
  /// Nobody watched the run for as long as `routes[].on_abandoned` says.
  case abandoned
  /// A client stopped the run.
  case stopped
  /// The client names a run that is not known any more.
  case runUnknown = "run_unknown"
  /// The gateway stopped, and `drain.deadline` had passed.
  case drained
}
