internal import Reactor

// The one timer of an HTTP/1 connection, set for whatever its state waits for.

extension HTTP1Connection {
  /// Arms the connection's only timer for what its state waits for.
  func arm(after delay: Duration) {
    loop.cancelTimer(&timer)
    timer = loop.setTimer(after: delay, for: self)
  }

  func disarm() {
    loop.cancelTimer(&timer)
  }

  /// The state lasted too long, or a stream was silent.
  public func timerFired(_ tag: UInt8) {
    timer = nil
    switch state {
    case .head where isSecuring:
      handshakeTimedOut()
    case .head where isBetweenRequests:
      close(.idleTimeout)
    case .head:
      if input.isEmpty { return close(.headTimeout) }
      receiver.rejected(peer: peer, status: 408, detail: "the head was not whole in time", .headTimeout)
      respondLast(
        Problem.response(
          status: 408, detail: "the request head was not whole within clients.head_timeout",
          reason: .headTimeout))
    case .body(let exchange, _):
      persists = false
      exchange.respond(
        Problem.response(
          status: 408, detail: "the request body was not whole within clients.body_timeout",
          reason: .bodyTimeout))
    case .answering:
      answerTimerFired()
    case .lingering:
      close(.completed)
    case .closed:
      break
    }
  }
}
