internal import Bytes
internal import Reactor

/// The frames of a turn before they are written: one write for all streams of a connection.
///
/// Small pieces are copied, since a piece of its own costs the kernel more than that; payload of some size stays where
/// it lies in its log.
/// - Owner: the connection.
/// - Bound: the connection frames no more once `byteCount` is what a write may take.
struct FrameCork {
  private struct Piece {
    let segment: Segment
    var start: Int
    var count: Int
  }

  /// What is not larger is copied.
  static let copiedBytes = 1024
  private static let segmentBytes = 4096

  private var pieces: [Piece] = []
  /// Where copies go on.
  private var copies: Segment?
  /// How many bytes wait.
  private(set) var byteCount = 0

  /// Whether nothing waits.
  var isEmpty: Bool { byteCount == 0 }

  /// Adds a copy.
  mutating func copy(_ bytes: Span<UInt8>) {
    var rest = bytes
    while !rest.isEmpty {
      let segment = copies ?? Segment(capacityBytes: max(rest.count, Self.segmentBytes))
      let start = segment.count
      let count = segment.append(rest)
      copies = segment.count < segment.capacityBytes ? segment : nil
      if count > 0 { add(segment, start, count) }
      rest = rest.extracting(count...)
    }
  }

  /// Adds bytes of a log.
  mutating func lend(_ segment: Segment, from start: Int, count: Int) {
    guard count <= Self.copiedBytes else { return add(segment, start, count) }
    segment.lend { copy($0.extracting(start..<(start + count))) }
  }

  private mutating func add(_ segment: Segment, _ start: Int, _ count: Int) {
    byteCount += count
    if let last = pieces.indices.last, pieces[last].segment === segment,
      pieces[last].start + pieces[last].count == start
    {
      pieces[last].count += count
    } else {
      pieces.append(Piece(segment: segment, start: start, count: count))
    }
  }

  /// Fills a vector with as many pieces as fit, from the first on.
  func fill(_ output: OutputVector) {
    for piece in pieces {
      guard output.hasRoom else { return }
      _ = output.lend(piece.segment, from: piece.start, atMost: piece.count)
    }
  }

  /// Forgets what was written; what is left stays, and nothing is kept where nothing is.
  mutating func written(_ count: Int) {
    byteCount -= count
    guard byteCount > 0 else {
      self = FrameCork()
      return
    }
    var rest = count
    var done = 0
    while done < pieces.count, rest >= pieces[done].count {
      rest -= pieces[done].count
      done += 1
    }
    pieces.removeFirst(done)
    pieces[0].start += rest
    pieces[0].count -= rest
  }
}
