internal import Bytes
internal import Reactor
internal import Wire

/// What a client hears: one answer after the other, and what of the last stream the next one goes on from.
///
/// Bytes in, counts out: it touches no socket and ends nothing.
/// - Owner: its client.
final class Reading {
  /// The answer that is being read.
  private(set) var answer = Answer()
  /// Whether a terminal event has come.
  private(set) var hasTerminal = false
  /// Whether the gateway has refused within the stream, and the name of the limit if it told it.
  private(set) var isBusy = false
  private(set) var busyLimit: String?
  /// When the last bytes came.
  private(set) var readAt = Instant(nanoseconds: 0)
  private var scanner = EventScanner()
  private var continuity = Continuity()
  private var startedAt = Instant(nanoseconds: 0)
  private var lastEventAt = Instant(nanoseconds: 0)
  private var hasEvent = false

  /// Nothing was heard.
  init() {}

  /// What was seen last, empty for nothing.
  var lastID: [UInt8] { scanner.lastID }

  /// The server's reconnection time.
  var retry: Duration? { scanner.retryMilliseconds.map { .milliseconds(Int64($0)) } }

  /// Begins another answer.
  ///
  /// - Parameter start: when its request began, for the time to the first event.
  func begin(_ start: Instant) {
    startedAt = start
    answer = Answer()
    scanner.beginAnswer()
    (hasEvent, hasTerminal, isBusy, busyLimit) = (false, false, false, nil)
  }

  /// The next answer does not go on from the last.
  func forget() {
    scanner.forgetID()
    continuity.forget()
  }

  /// Drops the answer: there is none that makes sense.
  func dropAnswer() {
    answer = Answer()
  }

  /// Takes note that the connection has ended.
  ///
  /// - Returns: whether the answer had come as a whole.
  func finish() -> Bool {
    answer.finish()
  }

  /// How many comments there were since this was last asked.
  func takeComments() -> UInt64 {
    scanner.takeComments()
  }

  /// Reads on.
  ///
  /// - Parameters:
  ///   - bytes: what the socket gave.
  ///   - plan: what is looked at, and which answers are streams.
  ///   - tally: where events and their times are counted.
  ///   - fanOut: the first arrivals of what several clients get; `nil` where each client has its own events.
  /// - Throws: `HTTPViolation`; the connection can't be used any more.
  func read(
    _ bytes: Span<UInt8>, _ plan: ReadingPlan, into tally: inout Tally, _ fanOut: inout FanOut
  ) throws(HTTPViolation) {
    readAt = .now
    tally.bytes += UInt64(bytes.count)
    let wall = plan.interest.sentTime?.now ?? 0
    try answer.read(bytes, plan.form) { piece in
      scanner.scan(piece, plan.interest) { event in
        guard hears(event, &tally) else { return }
        tally.take(event, &continuity)
        take(event, plan, wall, &tally.latencies, &fanOut)
      }
    }
  }

  /// Whether this is an event of the stream, not one about it.
  private func hears(_ event: ScannedEvent, _ tally: inout Tally) -> Bool {
    switch event.kind {
    case .plain: return true
    case .terminal:
      hasTerminal = true
      return true
    case .busy: (isBusy, busyLimit) = (true, event.limit)
    case .evicted: tally.evictions[event.limit ?? "", default: 0] += 1
    case .gap: tally.gapEvents += 1
    case .place: if let mark = event.mark { continuity.begin(mark) }
    }
    return false
  }

  private func take(
    _ event: ScannedEvent, _ plan: ReadingPlan, _ wall: UInt64, _ latencies: inout Latencies, _ fanOut: inout FanOut
  ) {
    if hasEvent {
      latencies.gap.take(from: lastEventAt, to: readAt)
    } else {
      hasEvent = true
      latencies.firstEvent.take(from: startedAt, to: readAt)
    }
    lastEventAt = readAt
    if let sent = event.sentNanoseconds { latencies.event.take(wall > sent ? wall - sent : 0) }
    if plan.sharesEvents, event.idDigest != 0, let delay = fanOut.take(event.idDigest, at: readAt.nanoseconds) {
      latencies.spread.take(delay)
    }
  }
}

/// What all clients of a test listen for.
struct ReadingPlan: Equatable, Sendable {
  let interest: Interest
  let form: AnswerForm
  /// Whether several clients get the same events.
  let sharesEvents: Bool
}

extension Tally {
  /// Counts an event and what its id says about those before it.
  mutating func take(_ event: ScannedEvent, _ continuity: inout Continuity) {
    events += 1
    guard let mark = event.mark else { return }
    marked += 1
    switch continuity.take(mark) {
    case .expected: break
    case .lost(let count): lost += count
    case .duplicated: duplicated += 1
    }
  }
}
