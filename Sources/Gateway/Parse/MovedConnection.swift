internal import Reactor
internal import Wire

/// A connection on its way to another worker: between a request and its answer.
///
/// - Owner: the message that carries it.
struct MovedConnection: Sendable {
  let descriptor: Int32
  let peer: SocketAddress
  let head: RequestHead
  let body: [UInt8]
  let began: Instant
  /// Bytes behind the request.
  let input: [UInt8]
  let persists: Bool
}

extension HTTP1Connection {
  /// Gives up the connection of a request that is whole and not answered; `nil` where it is neither.
  ///
  /// From then on nothing of it is left here.
  func move() -> MovedConnection? {
    guard case .answering(let exchange) = state, framing == nil, unsentAnswer.isEmpty else { return nil }
    state = .closed
    disarm()
    exchange.leave()
    let moved = MovedConnection(
      descriptor: socket.release(), peer: peer, head: exchange.head, body: exchange.takeBody(), began: exchange.began,
      input: takeInput(), persists: persists)
    receiver.disconnected(self)
    return moved
  }

  /// Goes on with the request of a connection that was moved here.
  func resume(_ moved: MovedConnection) {
    let exchange = Exchange(moved.head, peer: peer, began: moved.began, over: self)
    exchange.body = moved.body
    persists = moved.persists
    disarm()
    state = .answering(exchange)
    receiver.headReceived(exchange)
    guard case .answering(let current) = state, current === exchange, unsentAnswer.isEmpty else { return }
    put(back: moved.input)
    receiver.received(exchange)
  }
}
