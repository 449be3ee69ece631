internal import Bytes
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// What a mux takes from its settings when it begins.
struct MuxRules {
  /// `mux.streams`.
  let streams: Int
  /// `mux.linger`.
  let linger: Duration
  let stream: StreamRules

  init(_ settings: Settings) {
    streams = settings.mux.streams
    linger = settings.mux.linger
    var rules = settings.streams
    // Its reader never lags further than the log has room: the streams are held back before.
    rules.clientBufferBytes = Int.max / 4
    rules.log = LogBoundsSettings(
      bytes: max(settings.mux.logBytes, 4 * rules.eventSizeBytes), events: .max,
      // Who comes back later than this finds no mux.
      age: linger + settings.clients.sendTimeout + .seconds(10))
    stream = StreamRules(rules)
  }
}

/// Many streams over one connection: a log of its own, which its streams fill, and whose one id resumes all of them.
///
/// It is a stream of the gateway as a run is: it lives on the worker that its name says, and outlives its client for a
/// while. Its streams are held back by the room in its log, so nothing is queued twice.
/// - Owner: the worker's table of muxes, and its reader.
/// - Thread: the worker's.
/// - Bound: `mux.streams`; `mux.log`, of which half may be unread.
/// - Ends when: its client has been away for `mux.linger`, or ends it.
final class Mux: Stream, TimerOwner {
  /// How many ended streams it remembers, for clients that have lost the message that said so.
  private static let mostClosings = 1024

  /// Who began it; `nil` where nobody showed an identity, and the id alone opens it.
  let principal: Principal?
  private let streams: Int
  private let linger: Duration
  private var answers: [Int: MuxedAnswer] = [:]
  private var newestNumber = MuxMessage.own
  /// Streams that wait for room in the log, the longest first.
  private var blocked: [MuxedAnswer] = []
  /// Streams that have ended, and the places of their last messages.
  private var closings: [(number: Int, sequence: UInt64)] = []
  /// The newest place of such a message that is not remembered.
  private var forgotten: UInt64 = 0
  /// The newest client; others were shown out.
  private var reader: Subscriber?
  /// How far the newest client had been written to when it left.
  private var left = Cursor(offset: 0)
  private var lingerTimer: TimerID?
  /// Whether any of its streams has ever begun: without, there is nothing to come back for.
  var hasCarried = false
  /// Whether it is cut when its reader has what there is.
  private var isLeaving = false

  init(_ id: StreamID, _ rules: MuxRules, for principal: Principal?, of worker: Worker) {
    self.principal = principal
    streams = rules.streams
    linger = rules.linger
    super.init(id, log: EventLog(), rules: rules.stream, of: worker)
    stage = .open
    append { MuxMessage.append(MuxMessage.own, type: "sluice.mux", json: Array("{\"mux\":\"\(id)\"}".utf8), to: &$0) }
  }

  override var name: StreamName { .mux(id) }

  /// Whether a principal may read it and open streams.
  func isOpen(to other: Principal?) -> Bool { principal == nil || principal == other }

  /// Whether any of its streams has an end of its own.
  var hasRuns: Bool { answers.values.contains { $0.isRun } }

  // MARK: - Its log

  /// How far the newest client has been written to.
  private var place: Cursor { reader.map { pumping.cursor(of: $0) } ?? left }

  /// Whether it has as much unread as it may.
  var isFull: Bool { log.end.offset - place.offset >= UInt64(rules.logBounds.bytes / 2) }

  /// Appends one message.
  ///
  /// - Parameter lines: writes its data lines.
  /// - Returns: how many bytes it has.
  @discardableResult
  func append(_ lines: (inout [UInt8]) -> Void) -> Int {
    var encoded: [UInt8] = []
    swap(&encoded, &worker.scratch)
    encoded.removeAll(keepingCapacity: true)
    lines(&encoded)
    MuxMessage.append(end: idText, log.newest + 1, to: &encoded)
    log.append(event: encoded.span, at: worker.loop.now.milliseconds)
    let count = encoded.count
    swap(&encoded, &worker.scratch)
    markGrown()
    return count
  }

  override var slowest: Cursor { pumping.slowest ?? left }

  override func tidy() {
    madeRoom()
    var bounds = rules.logBounds
    // What its client has not had is kept, however old.
    if place < log.end { bounds.ageMilliseconds = .max / 2 }
    log.trim(to: bounds, at: worker.loop.now.milliseconds)
    log.release(before: slowest)
    worker.budget.account(self)
  }

  // MARK: - Its client

  /// Attaches its client, or the same client that comes back; whoever was there before is shown out.
  ///
  /// - Returns: false where nobody can say any more what the client lacks.
  func join(_ exchange: Exchange, seen: UInt64) -> Bool {
    guard stage == .open else { return false }
    let others = readers
    switch Replay.decide(seen: seen, oldest: log.oldest, newest: log.newest, isFinished: false) {
    case .follow(let after): attach(exchange, at: log.cursor(after: after), seen: after)
    case .gap:
      guard seen >= forgotten else { return false }
      rejoin(exchange, behind: seen)
    case .nothingLeft, .impossible: return false
    }
    for other in others { showOut(other, .evicted) }
    return true
  }

  /// Attaches a client that has lost messages: it gets none of those that are left of that time, and every stream that
  /// may have lost one is closed, so that it opens it again at the place that it knows.
  private func rejoin(_ exchange: Exchange, behind seen: UInt64) {
    let lost = seen + 1...log.newest
    attach(exchange, at: log.end, seen: log.newest, .lost(.sequences(lost)))
    let over = closings.filter { lost.contains($0.sequence) }
    for answer in answers.values.sorted(by: { $0.number < $1.number }) where answer.newest > seen {
      answer.close(.gap)
    }
    for closing in over {
      let json = MuxClosing(.gap, status: 200).json
      append { MuxMessage.append(closing.number, type: "sluice.closed", json: json, to: &$0) }
    }
  }

  override func add(_ reader: Subscriber, at cursor: Cursor) {
    worker.loop.cancelTimer(&lingerTimer)
    super.add(reader, at: cursor)
    self.reader = reader
  }

  override func appendPrelude(for reader: Subscriber, to prelude: inout [UInt8]) {
    let idText = idText
    SSEEncoder.appendPriming(
      retryMilliseconds: rules.retry.random(), idPrefix: idText.span, sequence: reader.seen, to: &prelude)
    guard case .lost(.sequences(let lost)) = reader.arrival else { return }
    MuxMessage.append(MuxMessage.own, type: "sluice.gap", json: GatewayEvent.gap(lost), to: &prelude)
    MuxMessage.append(end: idText, lost.upperBound, to: &prelude)
  }

  override func madeRoom() {
    if isLeaving, place == log.end, !hasRuns, let reader { return cut(reader, .drained) }
    offerRoom()
  }

  override func readerLeft(_ reader: Subscriber) {
    if reader === self.reader, pumping.holds(reader) {
      left = pumping.cursor(of: reader)
      self.reader = nil
    }
    super.readerLeft(reader)
  }

  override func lastReaderLeft() {
    guard stage == .open else { return }
    guard hasCarried, linger > .zero else { return end() }
    lingerTimer = worker.loop.setTimer(after: linger, for: self)
  }

  func timerFired(_ tag: UInt8) {
    lingerTimer = nil
    end()
  }

  /// Tells a client that this is not its any more, and that it need not come back.
  private func showOut(_ reader: Subscriber, _ reason: CloseReason) {
    reader.exchange.leaving = reason
    reader.exchange.transport?.end(farewell: MuxMessage.gone(id), of: reader.exchange)
  }

  // MARK: - Its streams

  /// Opens a stream.
  ///
  /// - Parameters:
  ///   - request: what is asked for.
  ///   - outer: who asks.
  /// - Returns: the stream's number; what becomes of it is told in the mux.
  @discardableResult
  func open(_ request: MuxedRequest, like outer: MuxAsker) -> Int {
    newestNumber += 1
    let answer = MuxedAnswer(newestNumber, request.target, of: self)
    guard answers.count < streams else {
      answer.refuse(
        Problem.response(
          status: 429, detail: "the mux has as many streams as it may, which is \(streams) (mux.streams)",
          reason: .limited, members: [("limit", "mux.streams"), ("bound", "\(streams)")]))
      return answer.number
    }
    answers[answer.number] = answer
    worker.counters.muxStreams.add(1)
    do throws(HTTPViolation) {
      answer.begin(try request.head(like: outer, worker.table.limits.head), request.body, like: outer)
    } catch {
      answer.refuse(Problem.response(status: error.status, detail: error.reason, reason: .badRequest))
    }
    return answer.number
  }

  /// Closes a stream.
  ///
  /// - Returns: whether there was one of this number.
  func close(_ number: Int) -> Bool {
    guard let answer = answers[number] else { return false }
    answer.close(.clientClosed)
    return true
  }

  /// A stream has ended.
  func closed(_ answer: MuxedAnswer) {
    if answers.removeValue(forKey: answer.number) != nil { worker.counters.muxStreams.add(-1) }
    if answer.isBlocked { blocked.removeAll { $0 === answer } }
    closings.append((answer.number, answer.newest))
    guard closings.count > 2 * Self.mostClosings else { return }
    forgotten = closings[closings.count - Self.mostClosings - 1].sequence
    closings.removeFirst(closings.count - Self.mostClosings)
  }

  /// A stream has more than there is room for.
  func wait(_ answer: MuxedAnswer) {
    guard !answer.isBlocked else { return }
    answer.isBlocked = true
    blocked.append(answer)
  }

  /// Lets the streams that wait go on, in turns, once a good part of the room is free.
  private func offerRoom() {
    guard !blocked.isEmpty, log.end.offset - place.offset <= UInt64(rules.logBounds.bytes / 4) else { return }
    var waiting: [MuxedAnswer] = []
    swap(&waiting, &blocked)
    for (index, answer) in waiting.enumerated() {
      if isFull {
        blocked = Array(waiting[index...]) + blocked
        return
      }
      answer.isBlocked = false
      answer.offerRoom()
    }
  }

  // MARK: - Ends

  /// Ends it with all its streams, which are left as by any client; its own client is told.
  ///
  /// - Parameter reason: why, for the client that is there.
  func end(_ reason: CloseReason = .abandoned) {
    guard stage == .open else { return }
    stage = .final
    worker.loop.cancelTimer(&lingerTimer)
    worker.muxes.forget(self)
    blocked = []
    for answer in answers.values { answer.finish(.clientClosed) }
    for reader in readers { showOut(reader, reason) }
  }

  /// Cuts its client, which is to come back to another process; at once, or once it has what there is.
  func interrupt(atOnce: Bool) {
    guard !atOnce else {
      for reader in readers { cut(reader, .drained) }
      return
    }
    isLeaving = true
    markGrown()
  }
}
