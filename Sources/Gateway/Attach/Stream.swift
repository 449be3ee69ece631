internal import Bytes
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// What a stream takes from its settings when it begins.
struct StreamRules {
  /// How far one reader may lag, `streams.client_buffer`.
  let clientBufferBytes: Int
  /// The largest event taken from an upstream, `streams.event_size`.
  let eventBytes: Int
  /// What is kept, `streams.log`.
  let logBounds: LogBounds
  let retry: RetryTimes
  /// What becomes of a reader that lags further, `routes[].slow_readers`.
  let slowReaders: SlowReaderRule

  init(_ settings: StreamSettings, _ slowReaders: SlowReaders = .disconnect) {
    self.slowReaders = SlowReaderRule(slowReaders, settings)
    clientBufferBytes = settings.clientBufferBytes
    eventBytes = settings.eventSizeBytes
    retry = RetryTimes(milliseconds: settings.retry.min.wholeMilliseconds...settings.retry.max.wholeMilliseconds)
    logBounds = LogBounds(
      bytes: settings.log.bytes, events: settings.log.events, ageMilliseconds: settings.log.age.wholeMilliseconds)
  }
}

/// A log of events and its readers: what runs and feeds have in common.
///
/// - Owner: the worker's table of runs or of feeds, and its readers.
/// - Thread: the worker's.
/// - Bound: `streams.log` for what is kept, `streams.client_buffer` for a reader's lag.
class Stream {
  enum Stage {
    /// No answer has begun: the readers may still get something other than a stream.
    case held
    /// Events are appended and written.
    case open
    /// Nothing follows what is in the log.
    case final
  }

  let id: StreamID
  let idText: [UInt8]
  unowned let worker: Worker
  let rules: StreamRules
  let log: EventLog
  var stage = Stage.held
  /// Whether its table has it.
  var isKept = false
  /// What the budget has counted for it.
  var accountedBytes = 0
  /// What readers occupy that are off the log.
  var detourBytes = 0
  /// What it occupies.
  var occupiedBytes: Int { log.occupiedBytes + detourBytes }
  /// Why it ended, for the log lines of its readers; `nil` after an end of its own.
  var failure: CloseReason?
  var pumping = Readers()
  /// Everybody who reads it.
  var readers: [Subscriber] { pumping.all }
  /// Readers that have got nothing of what waits for them yet.
  var newcomers: [Subscriber] = []
  /// Whether the worker pumps it at the end of this turn.
  var isMarked = false
  /// Whether what fills the log waits for readers that have not had their turn.
  var isHolding = false
  var hasGrown = false
  /// When free readers were last written to.
  var lastWrite = Instant(nanoseconds: 0)

  init(_ id: StreamID = StreamID(), log: EventLog = EventLog(), rules: StreamRules, of worker: Worker) {
    self.id = id
    self.log = log
    self.rules = rules
    self.worker = worker
    idText = id.text
  }

  // MARK: - What kinds of streams do differently

  /// The name for the log lines of its readers.
  var name: StreamName { .run(id) }

  /// The last reader has left.
  func lastReaderLeft() {}

  /// Readers have not all had their turn: what fills the log waits until they have, or they would fall behind through no
  /// fault of theirs.
  func hold(_ isOn: Bool) {}

  /// A turn in which it was marked has ended; its readers are written to next.
  func turnEnded() {}

  /// A reader has taken bytes between two turns.
  func madeRoom() {}

  /// Appends what a reader's answer begins with: the reconnection time and the place from which it goes on.
  func appendPrelude(for reader: Subscriber, to prelude: inout [UInt8]) {}

  /// Appends the event that tells a reader which events it does not get.
  ///
  /// - Parameters:
  ///   - lost: their sequences.
  ///   - lastID: the id of the last event before them, where readers see other ids than sequences.
  ///   - bytes: where to.
  func appendGap(_ lost: ClosedRange<UInt64>, after lastID: [UInt8]?, to bytes: inout [UInt8]) {}

  /// The id that an event shows to readers, where that is not made of its sequence alone; `nil` where nobody knows it.
  func shownID(of sequence: UInt64) -> [UInt8]? { nil }

  /// A reader was written to, and is where it is now.
  func balance(_ reader: Subscriber, isBlocked: Bool) {}

  /// Whether what fills the log waits for a reader.
  var isWaiting: Bool { false }

  // MARK: - Readers

  func add(_ reader: Subscriber, at cursor: Cursor) {
    reader.exchange.record.stream = name
    if let ticket = reader.exchange.identity?.ticket { worker.tickets.bind(ticket, to: id) }
    reader.exchange.owner = reader
    pumping.append(reader, at: cursor)
  }

  /// Attaches a reader, and begins its answer unless answers are held back.
  func attach(_ exchange: Exchange, at cursor: Cursor, seen: UInt64, _ arrival: Arrival = .resumed) {
    let reader = Subscriber(exchange, seen: seen, arrival: arrival, of: self)
    add(reader, at: cursor)
    if stage != .held { beginAnswer(reader) }
  }

  /// Begins the answers that were held back.
  func open() {
    guard stage == .held else { return }
    stage = .open
    for reader in readers { beginAnswer(reader) }
  }

  /// The head, the reader's place, and what it has lost.
  private func beginAnswer(_ reader: Subscriber) {
    let (exchange, idText) = (reader.exchange, idText)
    var head = Attach.streamHead()
    if case .run = name { head.fields.append("Sluice-Run", idText.span) }
    head.fields.append(contentsOf: exchange.answerFields)
    exchange.record.status = 200
    var prelude: [UInt8] = []
    appendPrelude(for: reader, to: &prelude)
    exchange.transport?.beginStream(head, prelude: prelude, of: exchange)
    reader.arrival = .resumed
    exchange.forgetRequest()
    worker.memory.streams(exchange)
    newcomers.append(reader)
    worker.mark(self)
  }

  /// A reader's exchange ended.
  func readerLeft(_ reader: Subscriber) {
    noteWrites(to: reader)
    set(nil, for: reader)
    guard pumping.remove(reader), pumping.isEmpty else { return }
    lastReaderLeft()
    if !isKept { worker.budget.remove(self) }
  }

  /// The place of the slowest reader.
  var slowest: Cursor { pumping.slowest ?? log.end }

  /// Forgets what every reader has had, and gives it back.
  func keepOnlyUnread() {
    log.trim(before: slowest)
    log.release(before: slowest)
  }

  // MARK: - Events

  /// Appends one event to the log, encoded once for all readers.
  ///
  /// - Parameters:
  ///   - ownID: the id that readers see, where it is not the gateway's.
  ///   - type: its type; empty for none.
  ///   - data: its data.
  func append(ownID: [UInt8]? = nil, type: Span<UInt8>, data: Span<UInt8>) {
    var encoded: [UInt8] = []
    swap(&encoded, &worker.scratch)
    encoded.removeAll(keepingCapacity: true)
    if let ownID {
      SSEEncoder.append(id: ownID, type: type, data: data, to: &encoded)
    } else {
      let idText = idText
      SSEEncoder.append(idPrefix: idText.span, sequence: log.newest + 1, type: type, data: data, to: &encoded)
    }
    log.append(event: encoded.span, at: worker.loop.now.milliseconds)
    swap(&encoded, &worker.scratch)
    markGrown()
  }

  /// Every reader has something to be told.
  func markGrown() {
    hasGrown = true
    worker.mark(self)
  }

  /// Ends a reader's answer in the middle, so that every client takes it for what it is, and comes back.
  func cut(_ reader: Subscriber, _ reason: CloseReason) {
    var farewell: [UInt8] = []
    farewell.append("retry: ")
    farewell.append(decimal: rules.retry.random())
    farewell.append("\n")
    reader.exchange.transport?.cut(farewell: farewell, reason)
  }

  /// Keeps the log within its bounds.
  func tidy() {
    log.trim(to: rules.logBounds, at: worker.loop.now.milliseconds)
    log.release(before: slowest)
    worker.budget.account(self)
  }
}
