internal import Bytes
internal import Reactor
internal import Streams

/// What lies behind one place of a log as the readers there get it: one HTTP/1.1 chunk, made once, written to each.
///
/// - Owner: the worker.
/// - Thread: the worker's.
/// - Bound: holds for one log and within one turn, for it borrows the log's segments.
final class Frame {
  private let output = OutputVector()
  /// The place in front of it.
  private(set) var start = Cursor(offset: .max)
  /// The place behind it.
  private(set) var end = Cursor(offset: .max)
  /// Its parts, for a reader that took only some of it.
  private(set) var plan = ChunkFraming.Plan()

  /// How many bytes it has on the wire.
  var byteCount: Int { output.byteCount }

  /// Forgets what it borrowed.
  func clear() {
    output.removeAll()
    start = Cursor(offset: .max)
  }

  /// Frames all that a log has behind a place.
  ///
  /// - Returns: false where that is too much for one write.
  func fill(from cursor: Cursor, of log: EventLog) -> Bool {
    if start == cursor, end == log.end { return true }
    output.removeAll()
    let payload = Int(log.end.offset - cursor.offset)
    guard payload <= ChunkFraming.largestPayload else {
      clear()
      return false
    }
    plan = ChunkFraming.plan(chunk: payload)
    guard output.copy(plan.between.bytes.span.extracting(first: plan.between.count)) else { return false }
    var rest = payload
    log.lend(from: cursor) { segment, position in
      rest -= output.add(segment, from: position, atMost: rest)
      return output.hasRoom
    }
    guard rest == 0, output.copy(plan.after.bytes.span.extracting(first: plan.after.count)) else {
      clear()
      return false
    }
    (start, end) = (cursor, log.end)
    return true
  }

  /// Writes it to a socket, once.
  func write(to descriptor: Int32) -> WriteOutcome {
    output.write(to: descriptor)
  }
}

/// A frame belongs to its worker's thread.
@available(*, unavailable)
extension Frame: Sendable {}
