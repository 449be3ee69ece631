internal import Streams
internal import Wire

/// The answer to a client of another worker, on the worker where its run lives.
///
/// To the run it is a client like any other, until its stream begins: then its place is told, and from there on the
/// mirror on the client's own worker reads for it.
/// - Owner: its exchange.
/// - Thread: the worker's.
/// - Ends when: the answer was told, or the client has gone.
final class DistantAnswer: ExchangeTransport {
  private let name: DistantName
  private unowned let worker: Worker
  private(set) var exchange: Exchange?

  init(_ request: DistantRequest, of worker: Worker) {
    name = request.name
    self.worker = worker
    let exchange = Exchange(
      request.head, peer: request.peer, clientPeer: request.clientPeer, began: request.began, over: self)
    exchange.body = request.body
    exchange.door = request.door
    exchange.identity = request.identity
    exchange.hiddenParameters = request.hiddenParameters
    exchange.client = request.client
    self.exchange = exchange
  }

  /// Nothing is written here.
  let promisedBytes = 0
  var isMovable: Bool { false }
  var isStreaming: Bool { false }

  func respond(_ response: Response, to exchange: Exchange) {
    worker.peers.post(.run(.answered(name.number, response, exchange.record.stream)), to: name.place)
    end(.completed)
  }

  func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange) {
    guard let reader = exchange.owner as? Subscriber, case .run(let id) = exchange.record.stream,
      let run = worker.runs.run(id)
    else { return respond(Self.unavailable, to: exchange) }
    var lost: ClosedRange<UInt64>?
    if case .lost(.sequences(let sequences)) = reader.arrival { lost = sequences }
    run.give(name, RunPlace(seen: reader.seen, lost: lost), exchange.answerFields)
    end(.completed)
  }

  /// The client has gone, or what it asked for is not to be had.
  func end(_ reason: CloseReason) {
    worker.mirrors.answered(name)
    let exchange = self.exchange
    self.exchange = nil
    exchange?.end(reason)
  }

  // What follows is for streams, and none of those goes this way.

  func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress { .ended }

  func end(farewell: [UInt8], of exchange: Exchange) {
    respond(Self.unavailable, to: exchange)
  }

  func cut(farewell: [UInt8], _ reason: CloseReason) { abort(reason) }

  func abort(_ reason: CloseReason) {
    guard let exchange else { return }
    respond(Self.unavailable, to: exchange)
  }

  /// The answer where the home has nothing to say.
  static let unavailable = Problem.response(status: 503, detail: "the routes are changing, please ask again")
}
