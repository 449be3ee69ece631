/// Where each kept event of a log ends: four bytes an event.
///
/// Offsets are kept modulo 2³² and made whole again from the log's end, which is never that far away.
struct EventIndex {
  /// The sequence of the oldest event in it; one more than the newest where it is empty.
  private(set) var oldest: UInt64
  private var ends: [UInt32] = []
  /// How many at the front of `ends` are gone: they are removed many at a time.
  private var gone = 0

  init(oldest: UInt64) {
    self.oldest = oldest
  }

  /// How many events it holds.
  var count: Int { ends.count - gone }

  mutating func append(end: UInt64) {
    ends.append(UInt32(truncatingIfNeeded: end))
  }

  /// Where an event ends; it must be held.
  func end(of sequence: UInt64, logEnd: UInt64) -> UInt64 {
    let kept = ends[gone + Int(sequence - oldest)]
    return logEnd - UInt64(UInt32(truncatingIfNeeded: logEnd) &- kept)
  }

  /// Where the first event ends that does not end before a place; the place must be before the log's end.
  func firstEnd(from offset: UInt64, logEnd: UInt64) -> UInt64 {
    var (low, high) = (0, count - 1)
    while low < high {
      let middle = (low + high) / 2
      if end(of: oldest + UInt64(middle), logEnd: logEnd) < offset { low = middle + 1 } else { high = middle }
    }
    return end(of: oldest + UInt64(low), logEnd: logEnd)
  }

  /// Forgets the oldest events.
  mutating func removeFirst(_ count: Int) {
    oldest += UInt64(count)
    gone += count
    guard gone >= 64, gone * 2 >= ends.count else { return }
    ends.removeFirst(gone)
    gone = 0
  }
}
