internal import Streams
internal import Wire

/// The runs of other workers that are read here, and the requests that cross between workers.
///
/// A client whose transport can't be moved to the worker where its run lives, such as one of many streams of a
/// connection, asks from where it is: the run decides as it does for everybody, and what it says comes back.
/// - Owner: the worker.
/// - Thread: the worker's.
/// - Bound: a mirror has readers, or a moment ago had; a request that waits has a client.
final class MirrorTable {
  private unowned let worker: Worker
  private var mirrors: [StreamID: MirrorRun] = [:]
  /// Clients of this worker that have asked another.
  private var asked: [Int: AskedRequest] = [:]
  private var newest = 0
  /// Clients of other workers that have asked this one.
  private var distant: [DistantName: DistantAnswer] = [:]

  init(of worker: Worker) {
    self.worker = worker
  }

  var all: some Collection<MirrorRun> { mirrors.values }

  /// Asks the worker where the run of a request lives.
  func ask(_ exchange: Exchange, on route: Route, at home: Int) {
    newest += 1
    let name = DistantName(place: worker.place, number: newest)
    asked[newest] = AskedRequest(exchange, name, at: home, of: worker)
    worker.peers.post(.run(.asked(DistantRequest(exchange, name, on: route))), to: home)
  }

  /// What another worker tells.
  func received(_ message: RunMessage) {
    switch message {
    case .asked(let request): serve(request)
    case .gaveUp(let name): distant[name]?.end(.clientClosed)
    case .left(let id, let place, let given):
      // One that was forgotten gives no more readers.
      guard let run = worker.runs.run(id) else { return worker.peers.post(.run(.released(id)), to: place) }
      run.mirrorLeft(place, given: given)
    case .answered(let number, let response, let stream): answered(number, response, stream)
    case .began(let number, let id, let place, let fields, let snapshot): began(number, id, place, fields, snapshot)
    case .grew(let id, let first, let batch): grew(id, first: first, batch)
    case .ended(let id, let failure, let isCut):
      mirrors[id]?.end(failure)
      if isCut { mirrors[id]?.interrupt() }
    case .released(let id): forget(id)
    }
  }

  // MARK: - Where the run lives

  private func serve(_ request: DistantRequest) {
    let answer = DistantAnswer(request, of: worker)
    guard let exchange = answer.exchange else { return }
    distant[request.name] = answer
    guard let route = worker.table.router.route(for: request.head), route.key == request.route else {
      return exchange.respond(DistantAnswer.unavailable)
    }
    exchange.route = route
    worker.attach(exchange, on: route)
  }

  /// A client of another worker has its answer.
  func answered(_ name: DistantName) {
    distant[name] = nil
  }

  // MARK: - Where the client is

  /// A client that waits for the answer; `nil` where it has gone.
  private func take(_ number: Int) -> Exchange? { asked.removeValue(forKey: number)?.take() }

  /// A client has gone before its answer came.
  fileprivate func left(_ name: DistantName, _ home: Int) {
    guard asked.removeValue(forKey: name.number) != nil else { return }
    worker.peers.post(.run(.gaveUp(name)), to: home)
  }

  private func answered(_ number: Int, _ response: Response, _ stream: StreamName?) {
    guard let exchange = take(number) else { return }
    exchange.record.stream = stream
    exchange.respond(response)
  }

  private func began(_ number: Int, _ id: StreamID, _ place: RunPlace, _ fields: FieldSection, _ snapshot: RunSnapshot?)
  {
    if let snapshot {
      let mirror = MirrorRun(id, snapshot, of: worker)
      mirrors[id] = mirror
      worker.budget.add(mirror)
    }
    let exchange = take(number)
    exchange?.answerFields.append(contentsOf: fields)
    guard let mirror = mirrors[id] else {
      exchange?.respond(DistantAnswer.unavailable)
      return
    }
    mirror.take(exchange, at: place)
  }

  private func grew(_ id: StreamID, first: UInt64, _ batch: EventBatch) {
    guard let mirror = mirrors[id], !mirror.grew(first: first, batch) else { return }
    // Never seen; but readers that miss events must come back for them.
    mirror.interrupt()
  }

  private func forget(_ id: StreamID) {
    guard let mirror = mirrors.removeValue(forKey: id) else { return }
    worker.budget.remove(mirror)
  }
}

/// A request that waits for the answer of another worker.
///
/// - Owner: its exchange.
private final class AskedRequest: ExchangeOwner {
  private var exchange: Exchange?
  private let name: DistantName
  private let home: Int
  private unowned let worker: Worker
  private let nothing = EventLog()

  init(_ exchange: Exchange, _ name: DistantName, at home: Int, of worker: Worker) {
    self.exchange = exchange
    self.name = name
    self.home = home
    self.worker = worker
    exchange.owner = self
  }

  /// The answer has come.
  func take() -> Exchange? {
    defer { exchange = nil }
    exchange?.owner = nil
    return exchange
  }

  func exchangeEnded(_ exchange: Exchange, _ reason: CloseReason) {
    self.exchange = nil
    worker.mirrors.left(name, home)
  }

  /// Its stream may have begun while it waited for room: a heartbeat wants to be written.
  func clientWritable() {
    var cursor = nothing.end
    _ = exchange?.transport?.pump(nothing, from: &cursor, isFinal: false)
  }
}
