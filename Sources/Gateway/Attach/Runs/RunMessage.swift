internal import Admission
internal import Reactor
internal import Streams
internal import Wire

/// A request on its way to the worker where its run lives, for a client that can't be moved there.
///
/// It was judged, identified and admitted where the client is.
struct DistantRequest: Sendable {
  let name: DistantName
  let head: RequestHead
  let body: [UInt8]
  let identity: ExchangeIdentity?
  /// Names in the query that speak to the gateway.
  let hiddenParameters: [String]
  /// The key of its route.
  let route: String
  let peer: SocketAddress
  let clientPeer: ClientPeer
  let door: Door?
  let client: ClientAddress?
  let began: Instant

  /// Takes the body out of an exchange, and copies the rest.
  init(_ exchange: Exchange, _ name: DistantName, on route: Route) {
    self.name = name
    self.route = route.key
    head = exchange.head
    body = exchange.takeBody()
    identity = exchange.identity
    hiddenParameters = exchange.hiddenParameters
    peer = exchange.peer
    clientPeer = exchange.clientPeer
    door = exchange.door
    client = exchange.client
    began = exchange.began
  }
}

/// What a request is called between two workers: where its client is, and a number there.
struct DistantName: Hashable, Sendable {
  let place: Int
  let number: Int
}

/// A run as it stood when a mirror began.
struct RunSnapshot: Sendable {
  let rules: StreamRules
  /// The sequence of the first event in the batch.
  let oldest: UInt64
  let batch: EventBatch
  let isFinished: Bool
  let failure: CloseReason?
}

/// The place at which a reader begins.
struct RunPlace: Sendable {
  /// The last event that it has, or can't have any more.
  let seen: UInt64
  /// What it can't have any more.
  let lost: ClosedRange<UInt64>?
}

/// What workers tell each other about runs.
enum RunMessage: Sendable {
  /// To the home: a client of another worker asks.
  case asked(DistantRequest)
  /// To the home: it has gone before it was answered.
  case gaveUp(DistantName)
  /// To the home: the last reader of a mirror has gone, of as many as it was given.
  case left(StreamID, by: Int, given: Int)
  /// To the client: an answer that is no stream of a run that is there.
  case answered(Int, Response, StreamName?)
  /// To the client: it reads from here on. Where its worker has no mirror yet, one begins with the snapshot.
  case began(Int, StreamID, RunPlace, FieldSection, RunSnapshot?)
  /// To the mirrors: events came, one message a turn.
  case grew(StreamID, first: UInt64, EventBatch)
  /// To the mirrors: the terminal event was the last. Where the process ends, readers are to come back for it.
  case ended(StreamID, CloseReason?, isCut: Bool)
  /// To a mirror: nobody has asked for it since it left.
  case released(StreamID)
}
