internal import Admission
internal import Reactor
internal import Settings
internal import Wire

/// Who opens streams of a mux: what is needed of the request that carries them, which itself is given back once its
/// stream has begun.
struct MuxAsker {
  let head: RequestHead
  let peer: SocketAddress
  let clientPeer: ClientPeer
  let door: Door?
  let identity: ExchangeIdentity?
  /// What was asked of it.
  let authentication: AuthenticationSettings?

  init(_ exchange: Exchange) {
    head = exchange.head
    peer = exchange.peer
    clientPeer = exchange.clientPeer
    door = exchange.door
    identity = exchange.identity
    authentication = exchange.route?.authentication
  }
}
