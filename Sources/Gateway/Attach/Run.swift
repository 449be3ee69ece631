internal import Bytes
internal import Crypto
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// One orchestrator request and its answer, as a log that any number of readers may follow, join and resume.
///
/// What comes from the orchestrator is in `RunAnswer.swift`; here are the readers and the ends.
/// - Owner: the worker's table of runs, and its readers.
/// - Thread: the worker's.
/// - Bound: `streams.log` for what is kept, `streams.client_buffer` for a reader's lag.
/// - Ends when: a terminal event was appended, the orchestrator's own or the gateway's. It is then kept for a while.
final class Run: TimerOwner {
  enum Phase {
    /// No answer has begun: POST clients may still get the orchestrator's own status.
    case held
    /// The orchestrator refused; its words are collected for the clients that wait.
    case refused(ResponseHead, [UInt8])
    /// Events are appended.
    case live
    /// The terminal event is in the log.
    case finished
  }

  private enum Timer: UInt8 {
    case hold, linger
  }

  /// The type of events that have none: `message` to an EventSource.
  static let noType: [UInt8] = []

  let id = RunID()
  let idText: [UInt8]
  let route: RunRoute
  /// Who began it; `nil` where nobody showed an identity, and the id alone opens it.
  let principal: Principal?
  /// The client's own name for its request, and what it sent under it.
  let key: IdempotencyKey?
  let payload: SHA256?
  unowned let worker: Worker
  let log = EventLog()
  var phase: Phase
  var request: UpstreamRequest?
  var events: UpstreamEvents?
  var hasReceived = false
  private var readers: [Subscriber] = []
  private var holdTimer: TimerID?
  private var lingerTimer: TimerID?
  /// Whether the worker pumps it at the end of this turn.
  var isDirty = false
  /// What the table of runs has counted for its log.
  var accountedBytes = 0
  /// Why it ended, for the log lines of its readers; `nil` after the orchestrator's own terminal event.
  private var failure: CloseReason?

  /// A run that waits for `start`.
  init(
    on route: RunRoute, of worker: Worker, principal: Principal?, key: IdempotencyKey?, payload: SHA256?
  ) {
    self.route = route
    self.worker = worker
    self.principal = principal
    self.key = key
    self.payload = payload
    idText = id.text
    phase = .held
  }

  /// Sends the orchestrator's request; the answer begins at once, or a moment later for a POST client.
  func start(for exchange: Exchange, _ body: [UInt8], fields: FieldSection, target: [UInt8]) {
    add(Subscriber(exchange, at: log.end, seen: 0, of: self))
    let request = UpstreamRequest(method: route.method, target: target, fields: fields, body: body, for: self)
    self.request = request
    if exchange.head.method == .get || route.answerAfter == .zero {
      beginAnswers()
    } else {
      holdTimer = worker.loop.setTimer(after: route.answerAfter, for: self, tag: Timer.hold.rawValue)
    }
    route.upstream.send(request)
  }

  /// The orchestrator has not said a status in time, or nobody came back in time.
  func timerFired(_ tag: UInt8) {
    switch Timer(rawValue: tag) {
    case .hold:
      holdTimer = nil
      if case .refused(let head, _) = phase { return finish(.upstreamStatus, status: head.status) }
      beginAnswers()
    case .linger:
      lingerTimer = nil
      finish(.abandoned)
    case nil:
      break
    }
  }

  /// Whether the terminal event is in the log.
  var isFinished: Bool {
    if case .finished = phase { true } else { false }
  }

  /// Whether a principal may read and stop it.
  func isOpen(to other: Principal?) -> Bool {
    principal == nil || principal == other
  }

  /// The orchestrator refuses, and its words are on their way: the client waits a little longer for them.
  func holdForRefusal() {
    worker.loop.cancelTimer(&holdTimer)
    holdTimer = worker.loop.setTimer(after: .seconds(2), for: self, tag: Timer.hold.rawValue)
  }

  // MARK: - Readers

  /// Attaches one more reader, behind the last event that it has; zero for none.
  func join(_ exchange: Exchange, seen: UInt64) {
    switch phase {
    case .held where exchange.head.method == .post, .refused where exchange.head.method == .post:
      // It waits with the others: what the orchestrator refuses one, it refuses all.
      return add(Subscriber(exchange, at: log.end, seen: 0, of: self))
    case .refused(let head, _):
      finish(.upstreamStatus, status: head.status)
    case .held, .live, .finished:
      beginAnswers()
    }
    log.trim(to: route.logBounds, at: worker.loop.now.milliseconds)
    switch Replay.decide(seen: seen, oldest: log.oldest, newest: log.newest, isFinished: isFinished) {
    case .follow(let after):
      let reader = Subscriber(exchange, at: log.cursor(after: after), seen: after, of: self)
      add(reader)
      begin(reader)
    case .gap(let from, let to):
      let reader = Subscriber(exchange, at: log.start, seen: to, of: self)
      add(reader)
      begin(reader, lost: from...to)
    case .nothingLeft:
      exchange.record.run = id
      exchange.respond(Response(ResponseHead(status: 204)))
    case .impossible:
      exchange.respond(Attach.unknownRun(id, route))
    }
  }

  private func add(_ reader: Subscriber) {
    worker.loop.cancelTimer(&lingerTimer)
    reader.exchange.record.run = id
    reader.exchange.owner = reader
    readers.append(reader)
  }

  /// Begins the answers that were held back.
  func beginAnswers() {
    worker.loop.cancelTimer(&holdTimer)
    switch phase {
    case .held, .refused: phase = .live
    case .live, .finished: return
    }
    for reader in readers { begin(reader) }
  }

  /// The head, the reader's place, and what it has lost.
  private func begin(_ reader: Subscriber, lost: ClosedRange<UInt64>? = nil) {
    let idText = idText
    let exchange = reader.exchange
    var head = Attach.streamHead()
    head.fields.append("Sluice-Run", idText.span)
    head.fields.append(contentsOf: exchange.answerFields)
    exchange.record.status = 200
    var prelude: [UInt8] = []
    SSEEncoder.appendPriming(
      retryMilliseconds: route.retry.random(), idPrefix: idText.span, sequence: reader.seen, to: &prelude)
    if let lost {
      let (type, data) = (Array("sluice.gap".utf8), GatewayEvent.gap(lost))
      SSEEncoder.append(
        idPrefix: idText.span, sequence: lost.upperBound, type: type.span, data: data.span, to: &prelude)
    }
    exchange.transport?.beginStream(head, prelude: prelude, of: exchange)
    worker.mark(self)
  }

  /// Writes to every reader that can take bytes, then gives back what is not kept.
  ///
  /// Called at the end of a turn.
  func pump() {
    isDirty = false
    for reader in readers { pump(reader) }
    log.trim(to: route.logBounds, at: worker.loop.now.milliseconds)
    log.release(before: slowest)
    worker.runs.account(self, log.occupiedBytes)
  }

  /// Writes to one reader; one that lags too far behind is disconnected.
  func pump(_ reader: Subscriber) {
    let exchange = reader.exchange
    guard let transport = exchange.transport else { return }
    let isFinal: Bool
    switch phase {
    case .held, .refused: return
    case .live: isFinal = false
    case .finished: isFinal = true
    }
    exchange.record.offered = log.newest - reader.seen
    if isFinal { exchange.record.reason = failure }
    var cursor = reader.cursor
    let progress = transport.pump(log, from: &cursor, isFinal: isFinal)
    reader.cursor = cursor
    if progress == .ended { return }
    // The newest event does not count: encoded it may be larger than all that a reader may lag.
    let lag = log.end.offset - cursor.offset
    let isNear = lag <= UInt64(route.streams.clientBufferBytes + log.newestBytes)
    if isNear { reader.hasCaughtUp = true }
    guard progress == .blocked else { return }
    exchange.record.reason = nil
    // One that catches up may be further behind, but not behind what is kept.
    if reader.hasCaughtUp && !isNear || cursor < log.start { transport.abort(.slowReader) }
  }

  private var slowest: Cursor { readers.lazy.map(\.cursor).min() ?? log.end }

  /// Forgets what every reader has had, and gives it back.
  ///
  /// - Returns: the bytes that the log occupies now.
  func keepOnlyUnread() -> Int {
    log.trim(before: slowest)
    log.release(before: slowest)
    return log.occupiedBytes
  }

  /// A reader's exchange ended.
  ///
  /// What becomes of a run that nobody watches is the route's choice.
  func readerLeft(_ reader: Subscriber) {
    readers.removeAll { $0 === reader }
    guard readers.isEmpty, !isFinished else { return }
    worker.loop.cancelTimer(&holdTimer)
    if case .refused = phase { return finish(.abandoned) }
    phase = .live
    switch route.onAbandoned {
    case .cancel: finish(.abandoned)
    case .linger(let time): lingerTimer = worker.loop.setTimer(after: time, for: self, tag: Timer.linger.rawValue)
    case .detach: break
    }
  }

  /// The clients whose answers are held back.
  var waiting: [Exchange] { readers.map(\.exchange) }

  // MARK: - Ends

  /// Ends the run with the gateway's error event; without effect on one that has ended.
  func finish(_ reason: CloseReason, status: Int? = nil) {
    if isFinished { return }
    beginAnswers()
    failure = reason
    let (type, data) = (Self.noType, GatewayEvent.error(reason, in: route.streams.terminalField, status: status))
    append(type: type.span, data: data.span)
    end()
    request?.cancel()
    request = nil
  }

  /// Ends without an event: what the client gets instead is no run, and nobody may join it.
  func dissolve() {
    phase = .finished
    events = nil
    worker.loop.cancelTimer(&holdTimer)
    worker.runs.forget(self)
  }

  /// The terminal event is in the log.
  func end() {
    phase = .finished
    events = nil
    worker.loop.cancelTimer(&holdTimer)
    worker.loop.cancelTimer(&lingerTimer)
    worker.runs.finished(self)
    worker.mark(self)
  }

  /// Appends one event to the log, encoded once for all readers.
  func append(type: Span<UInt8>, data: Span<UInt8>) {
    let idText = idText
    var encoded: [UInt8] = []
    swap(&encoded, &worker.scratch)
    encoded.removeAll(keepingCapacity: true)
    SSEEncoder.append(idPrefix: idText.span, sequence: log.newest + 1, type: type, data: data, to: &encoded)
    log.append(event: encoded.span, at: worker.loop.now.milliseconds)
    swap(&encoded, &worker.scratch)
    worker.mark(self)
  }
}
