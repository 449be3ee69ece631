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

/// The events of one stream as the bytes that every reader gets, encoded once.
///
/// Bytes are appended to segments and never move; readers hold a `Cursor` and nothing else. What no reader
/// needs any more is released a segment at a time.
/// - Owner: its stream.
/// - Thread: the stream's loop.
/// - Bound: the stream's, by `release(before:)` and by ending readers that lag.
public final class EventLog {
  private struct Piece {
    let start: UInt64
    let segment: Segment
  }

  private static let firstSegmentBytes = 4 * 1024
  private static let largestSegmentBytes = 64 * 1024

  private var pieces: [Piece] = []
  /// The place behind the last event.
  public private(set) var end = Cursor(offset: 0)
  /// How many events were appended since the log began.
  public private(set) var eventCount: UInt64 = 0

  /// An empty log.
  public init() {}

  /// The oldest place that is still kept.
  public var start: Cursor { Cursor(offset: pieces.first?.start ?? end.offset) }

  /// The bytes that the segments occupy.
  public var keptBytes: Int { pieces.reduce(0) { $0 + $1.segment.capacityBytes } }

  /// Appends one encoded event, which may lie across segments.
  public func append(event bytes: Span<UInt8>) {
    var written = 0
    while written < bytes.count {
      let segment = writableSegment(for: bytes.count - written)
      let count = segment.append(bytes.extracting(written...))
      written += count
      end.offset += UInt64(count)
    }
    eventCount += 1
  }

  /// Lends the bytes behind a cursor in order, segment by segment, until the body has enough or all were lent.
  ///
  /// - Parameters:
  ///   - cursor: a place that is still kept.
  ///   - body: gets a segment and the position in it; answers whether it wants more.
  public func lend(from cursor: Cursor, _ body: (Segment, Int) -> Bool) {
    precondition(cursor >= start && cursor <= end, "a cursor stands within what the log keeps")
    var index = pieces.count - 1
    // Readers are near the end: the search begins there.
    while index > 0, pieces[index].start > cursor.offset { index -= 1 }
    var offset = cursor.offset
    while index < pieces.count, index >= 0 {
      let piece = pieces[index]
      let position = Int(offset - piece.start)
      if position < piece.segment.count, !body(piece.segment, position) { return }
      offset = piece.start + UInt64(piece.segment.count)
      index += 1
    }
  }

  /// Gives back every full segment that lies wholly before a place.
  public func release(before cursor: Cursor) {
    let released = pieces.prefix { piece in
      piece.segment.count == piece.segment.capacityBytes
        && piece.start + UInt64(piece.segment.count) <= cursor.offset
    }
    if !released.isEmpty { pieces.removeFirst(released.count) }
  }

  private func writableSegment(for bytes: Int) -> Segment {
    if let last = pieces.last?.segment, last.count < last.capacityBytes { return last }
    // While readers keep up a log lives in small segments; a backlog makes them grow.
    let backlog = Int(end.offset - start.offset) / Self.firstSegmentBytes * Self.firstSegmentBytes
    let capacity = min(max(backlog, bytes, Self.firstSegmentBytes), Self.largestSegmentBytes)
    let segment = Segment(capacityBytes: capacity)
    pieces.append(Piece(start: end.offset, segment: segment))
    return segment
  }
}

/// A log belongs to the loop of its stream.
@available(*, unavailable)
extension EventLog: Sendable {}
