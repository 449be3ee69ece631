internal import Admission
internal import Reactor
internal import Wire

/// A connection on its way to another worker: between a request and its answer.
///
/// - Owner: the message that carries it.
struct MovedConnection: Sendable {
  let descriptor: Int32
  /// What its bytes pass through; it goes along.
  let layer: ReleasedLayer?
  let door: Door?
  let peer: SocketAddress
  let clientPeer: ClientPeer
  /// What the connection holds; it goes along.
  let slot: Slot?
  let head: RequestHead
  let identity: ExchangeIdentity?
  let body: [UInt8]
  let began: Instant
  /// Bytes behind the request.
  let input: [UInt8]
  let persists: Bool
}

extension HTTP1Connection {
  /// Gives up the connection of a request that is whole and not answered; false where it is neither.
  ///
  /// While received bytes are being taken, that waits for their end: what stands behind the request goes along.
  func move(_ send: @escaping (MovedConnection) -> Void) -> Bool {
    guard case .answering = state, framing == nil, unsentAnswer.isEmpty else { return false }
    pendingMove = send
    if !isProcessing { moveIfPending() }
    return true
  }

  /// Carries a move out; nothing of the connection is left here.
  func moveIfPending() {
    guard let send = pendingMove else { return }
    pendingMove = nil
    guard let moved = moved() else { return }
    send(moved)
    // Only now: where this was the last, the workers stop, and the one that it goes to is to have heard of it.
    receiver.disconnected(self)
  }

  private func moved() -> MovedConnection? {
    guard case .answering(let exchange) = state, framing == nil, unsentAnswer.isEmpty else { return nil }
    state = .closed
    disarm()
    exchange.leave()
    let slot = self.slot
    self.slot = nil
    isMoved = true
    let layer = socket.releaseLayer()
    let moved = MovedConnection(
      descriptor: socket.release(), layer: layer, door: door, peer: peer, clientPeer: clientPeer, slot: slot,
      head: exchange.head,
      identity: exchange.identity,
      body: exchange.takeBody(), began: exchange.began,
      input: takeInput(), persists: persists)
    account()
    return moved
  }

  /// Goes on with the request of a connection that was moved here.
  func resume(_ moved: MovedConnection) {
    adopt(moved.clientPeer, moved.slot)
    door = moved.door
    if let layer = moved.layer { socket.resume(layer) }
    let exchange = Exchange(moved.head, peer: peer, clientPeer: clientPeer, began: moved.began, over: self)
    exchange.door = door
    exchange.body = moved.body
    exchange.identity = moved.identity
    persists = moved.persists
    disarm()
    state = .answering(exchange)
    put(back: moved.input)
    receiver.headReceived(exchange)
    guard case .answering(let current) = state, current === exchange, unsentAnswer.isEmpty else { return }
    receiver.received(exchange)
  }
}
