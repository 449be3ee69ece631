/// Bytes that one reader gets instead of its log's, until it may go on in the log itself.
///
/// A reader that stays behind its log must not hold the log's segments. It leaves the log at the end of an event and has
/// here what it was promised of it, then a little more each time it has taken all: never more than it takes.
///
/// - Bound: what was promised, or `fillBytes` and one event.
public struct Detour {
  /// How many bytes are taken from the log at a time, and the most that a merged event has.
  public static let fillBytes = 32 * 1024

  /// The bytes that are on their way to the reader.
  public private(set) var log: EventLog
  /// The reader's place in them.
  public var cursor = Cursor(offset: 0)
  /// The first event of the log that is neither here nor with the reader.
  public private(set) var next: UInt64

  /// A detour that begins in the middle of an event.
  ///
  /// - Parameters:
  ///   - cursor: the reader's place in the log.
  ///   - promised: how many bytes behind it the reader must get, whatever follows.
  ///   - log: the log that it leaves.
  public init(from cursor: Cursor, promised: Int, in log: EventLog) {
    let promisedEnd = Cursor(offset: cursor.offset + UInt64(promised))
    let before = log.sequence(before: promisedEnd)
    let last = log.cursor(after: before) >= promisedEnd ? before : before + 1
    next = last + 1
    self.log = Self.log(of: log.copy(from: cursor, to: log.cursor(after: last)))
  }

  /// Whether the reader has taken all that is here.
  public var isTaken: Bool { cursor == log.end }

  /// The memory that it occupies.
  public var occupiedBytes: Int { log.occupiedBytes }

  /// Takes the log's next events, chunks of one text merged; all must have been taken before.
  ///
  /// - Parameters:
  ///   - log: the log that the reader left; it keeps `next`.
  ///   - rule: which events are chunks.
  ///   - maxEventBytes: how large a merged event may become.
  /// - Returns: how many events went into others.
  public mutating func fill(from log: EventLog, merging rule: CoalescingRule?, maxEventBytes: Int) -> UInt64 {
    precondition(isTaken && next >= log.oldest, "a detour is filled when it is empty, from what is kept")
    var coalescer = Coalescer(rule, maxBytes: min(maxEventBytes, Self.fillBytes))
    while next <= log.newest, coalescer.output.count < Self.fillBytes {
      log.lend(event: next) { coalescer.append($0) }
      next += 1
    }
    replace(with: coalescer.output)
    return coalescer.mergedEvents
  }

  /// Passes over events; all must have been taken before.
  ///
  /// - Parameters:
  ///   - sequence: the event with which the reader goes on.
  ///   - notice: what it gets instead of those before, encoded.
  public mutating func skip(to sequence: UInt64, telling notice: [UInt8]) {
    precondition(isTaken && sequence >= next, "a reader goes forward, from the end of an event")
    next = sequence
    replace(with: notice)
  }

  private mutating func replace(with bytes: [UInt8]) {
    log = Self.log(of: bytes)
    cursor = Cursor(offset: 0)
  }

  private static func log(of bytes: [UInt8]) -> EventLog {
    let log = EventLog()
    guard !bytes.isEmpty else { return log }
    log.append(event: bytes.span, at: 0)
    log.compact()
    return log
  }
}
