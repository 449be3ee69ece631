public import Bytes

/// A reader's place in a log: the number of bytes before it since the log began.
public struct Cursor: Comparable, Hashable, Sendable {
  /// Bytes from the beginning of the log, those no longer kept included.
  public var offset: UInt64

  /// A place by its offset.
  public init(offset: UInt64) {
    self.offset = offset
  }

  /// Earlier in the log is less.
  public static func < (left: Cursor, right: Cursor) -> Bool {
    left.offset < right.offset
  }
}

/// How much of a log is kept for readers that come later or come back.
public struct LogBounds: Sendable {
  /// Bytes of encoded events.
  public var bytes: Int
  /// Events.
  public var events: Int
  /// Milliseconds since an event was appended, to the precision of a segment.
  public var ageMilliseconds: UInt64

  /// All three bounds; whichever is met first counts.
  public init(bytes: Int, events: Int, ageMilliseconds: UInt64) {
    self.bytes = bytes
    self.events = events
    self.ageMilliseconds = ageMilliseconds
  }
}

/// The events of one stream as the bytes that every reader gets, encoded once.
///
/// Bytes are appended to segments and never move; readers hold a `Cursor` and nothing else. Events have
/// sequences from 1 on; `trim` forgets the oldest, `release` gives back the segments that nobody needs.
/// - Owner: its stream.
/// - Thread: the stream's loop.
/// - Bound: `trim` for what is kept, and readers that lag too far are ended by the stream.
public final class EventLog {
  private struct Piece {
    let start: UInt64
    let segment: Segment
    var appendedAt: UInt64

    var end: UInt64 { start + UInt64(segment.count) }
  }

  /// What the first event makes a log occupy.
  public static let firstSegmentBytes = 4 * 1024
  private static let largestSegmentBytes = 64 * 1024

  private var pieces: [Piece] = []
  private var index: EventIndex
  /// The place behind the newest event.
  public private(set) var end = Cursor(offset: 0)
  /// The place before the oldest event that is kept.
  public private(set) var start = Cursor(offset: 0)
  /// The bytes of the newest event.
  public private(set) var newestBytes = 0
  /// The bytes that the segments occupy.
  public private(set) var occupiedBytes = 0

  /// An empty log, whose first event gets this sequence.
  ///
  /// - Parameter first: from 1; more where the events before it were forgotten earlier.
  public init(first: UInt64 = 1) {
    index = EventIndex(oldest: first)
  }

  /// The sequence of the oldest event that is kept; one more than the newest where none is.
  public var oldest: UInt64 { index.oldest }

  /// The sequence of the newest event, zero where there was none.
  public var newest: UInt64 { index.oldest + UInt64(index.count) - 1 }

  /// Appends one encoded event, which may lie across segments.
  ///
  /// - Parameters:
  ///   - bytes: the event as readers get it.
  ///   - now: milliseconds on the clock that `trim` is given.
  public func append(event bytes: Span<UInt8>, at now: UInt64) {
    var written = 0
    while written < bytes.count {
      let piece = writablePiece(for: bytes.count - written)
      let count = pieces[piece].segment.append(bytes.extracting(written...))
      pieces[piece].appendedAt = now
      written += count
      end.offset += UInt64(count)
    }
    index.append(end: end.offset)
    newestBytes = bytes.count
  }

  /// Gives back the room that no event will ever take; nothing is appended after this.
  public func compact() {
    guard let last = pieces.last, last.segment.count < last.segment.capacityBytes else { return }
    let segment = Segment(capacityBytes: last.segment.count)
    last.segment.lend { _ = segment.append($0) }
    occupiedBytes -= last.segment.capacityBytes - segment.capacityBytes
    pieces[pieces.count - 1] = Piece(start: last.start, segment: segment, appendedAt: last.appendedAt)
  }

  /// The place behind an event; zero stands for the place before the first.
  ///
  /// - Parameter sequence: from `oldest - 1` to `newest`.
  /// - Returns: where a reader that has this event goes on.
  public func cursor(after sequence: UInt64) -> Cursor {
    precondition(sequence + 1 >= oldest && sequence <= newest, "only kept events have a place")
    if sequence < oldest { return start }
    return Cursor(offset: index.end(of: sequence, logEnd: end.offset))
  }

  /// The newest event that lies wholly before a place; where it is not kept any more, the last one that is not.
  public func sequence(before cursor: Cursor) -> UInt64 {
    if cursor == end { return newest }
    var (low, high) = (0, index.count)
    while low < high {
      let middle = (low + high) / 2
      if place(afterFirst: middle + 1) <= cursor.offset { low = middle + 1 } else { high = middle }
    }
    return index.oldest + UInt64(low) - 1
  }

  /// Where a reader may stop that has come this far: there if that is between two events, or else behind the one it has
  /// begun.
  public func boundary(from cursor: Cursor) -> Cursor {
    guard cursor > start, cursor < end else { return cursor }
    return Cursor(offset: index.firstEnd(from: cursor.offset, logEnd: end.offset))
  }

  /// A copy of one event's bytes.
  ///
  /// - Parameter sequence: from `oldest` to `newest`.
  /// - Returns: the event as readers get it.
  public func event(_ sequence: UInt64) -> [UInt8] {
    precondition(sequence >= oldest, "only kept events have bytes")
    return copy(from: cursor(after: sequence - 1), to: cursor(after: sequence))
  }

  /// Lends one event's bytes, which are copied only where they lie across segments.
  ///
  /// - Parameters:
  ///   - sequence: from `oldest` to `newest`.
  ///   - body: gets the event as readers get it.
  public func lend(event sequence: UInt64, _ body: (Span<UInt8>) -> Void) {
    precondition(sequence >= oldest, "only kept events have bytes")
    let from = cursor(after: sequence - 1)
    let count = Int(cursor(after: sequence).offset - from.offset)
    var isWhole = false
    lend(from: from) { segment, position in
      isWhole = segment.count - position >= count
      if isWhole { segment.lend { body($0.extracting(position..<(position + count))) } }
      return false
    }
    if !isWhole { body(event(sequence).span) }
  }

  /// A copy of the bytes between two places.
  ///
  /// - Parameters:
  ///   - from: a place that was not released.
  ///   - to: one that is not before it.
  /// - Returns: the bytes, as they are.
  public func copy(from: Cursor, to: Cursor) -> [UInt8] {
    var rest = Int(to.offset - from.offset)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rest)
    guard rest > 0 else { return bytes }
    lend(from: from) { segment, position in
      let count = min(rest, segment.count - position)
      segment.lend { bytes.append($0.extracting(position..<(position + count))) }
      rest -= count
      return rest > 0
    }
    return bytes
  }

  /// Lends the bytes behind a cursor in order, segment by segment, until the body has enough or all were lent.
  ///
  /// - Parameters:
  ///   - cursor: a place that was not released.
  ///   - body: gets a segment and the position in it; answers whether it wants more.
  public func lend(from cursor: Cursor, _ body: (Segment, Int) -> Bool) {
    precondition(cursor <= end && (cursor == end || cursor.offset >= pieces[0].start), "the place was released")
    var index = pieces.count - 1
    // Readers are near the end: the search begins there.
    while index > 0, pieces[index].start > cursor.offset { index -= 1 }
    var offset = cursor.offset
    while index < pieces.count, index >= 0 {
      let piece = pieces[index]
      let position = Int(offset - piece.start)
      if position < piece.segment.count, !body(piece.segment, position) { return }
      offset = piece.end
      index += 1
    }
  }

  /// Forgets the oldest events beyond the bounds; readers still on their way through them are not disturbed.
  ///
  /// - Parameters:
  ///   - bounds: what is kept at most.
  ///   - now: milliseconds on the clock that `append` was given.
  public func trim(to bounds: LogBounds, at now: UInt64) {
    var dropped = max(0, index.count - bounds.events)
    let latest = firstOffset(notOlderThan: bounds.ageMilliseconds, at: now)
    while dropped < index.count {
      let next = place(afterFirst: dropped)
      guard end.offset - next > UInt64(bounds.bytes) || next < latest else { break }
      dropped += 1
    }
    guard dropped > 0 else { return }
    start.offset = place(afterFirst: dropped)
    index.removeFirst(dropped)
  }

  /// Forgets every event that lies wholly before a place.
  public func trim(before cursor: Cursor) {
    var dropped = 0
    while dropped < index.count, place(afterFirst: dropped + 1) <= cursor.offset { dropped += 1 }
    guard dropped > 0 else { return }
    start.offset = place(afterFirst: dropped)
    index.removeFirst(dropped)
  }

  /// Gives back every full segment that is neither kept nor needed by a reader.
  ///
  /// - Parameter slowest: the place of the slowest reader.
  public func release(before slowest: Cursor) {
    let needed = min(slowest, start).offset
    let released = pieces.prefix { $0.segment.count == $0.segment.capacityBytes && $0.end <= needed }
    guard !released.isEmpty else { return }
    for piece in released { occupiedBytes -= piece.segment.capacityBytes }
    pieces.removeFirst(released.count)
  }

  /// Where the event after the first so many begins.
  private func place(afterFirst count: Int) -> UInt64 {
    count == 0 ? start.offset : index.end(of: index.oldest + UInt64(count) - 1, logEnd: end.offset)
  }

  private func firstOffset(notOlderThan age: UInt64, at now: UInt64) -> UInt64 {
    for piece in pieces where piece.appendedAt + age >= now { return piece.start }
    return end.offset
  }

  private func writablePiece(for bytes: Int) -> Int {
    if let last = pieces.last?.segment, last.count < last.capacityBytes { return pieces.count - 1 }
    // A log that is given back as it is read lives in small segments; one that is kept grows into larger ones.
    let backlog = Int(end.offset - (pieces.first?.start ?? end.offset))
    let wanted = backlog / Self.firstSegmentBytes * Self.firstSegmentBytes
    let capacity = min(max(wanted, bytes, Self.firstSegmentBytes), Self.largestSegmentBytes)
    pieces.append(Piece(start: end.offset, segment: Segment(capacityBytes: capacity), appendedAt: 0))
    occupiedBytes += capacity
    return pieces.count - 1
  }
}

/// A log belongs to the loop of its stream.
@available(*, unavailable)
extension EventLog: Sendable {}
