internal import Bytes

/// Which events of a log may carry an id that an upstream gave: four bytes an event.
///
/// It keeps a hash of each id and not the id, which stands in the log: whoever asks looks there whether the event is
/// the right one. Hashes are seeded for each process, so that nobody can choose ids that collide.
/// - Owner: its stream.
/// - Bound: as many entries as the log has events; `forget` follows the log's `trim`.
public struct IDIndex: Sendable {
  /// What stands for an event without such an id.
  private static let none: UInt32 = 0
  private var hashes: [UInt32] = []
  /// How many at the front of `hashes` are gone: they are removed many at a time.
  private var gone = 0
  private var oldest: UInt64

  /// An index of a log whose first event gets this sequence.
  public init(first: UInt64 = 1) {
    oldest = first
  }

  /// Takes note of the next event's id; `nil` for one that has none.
  public mutating func append(_ id: [UInt8]?) {
    hashes.append(id.map(Self.hash) ?? Self.none)
  }

  /// Forgets all events before this one.
  public mutating func forget(before sequence: UInt64) {
    guard sequence > oldest else { return }
    gone = min(hashes.count, gone + Int(sequence - oldest))
    oldest = sequence
    guard gone >= 64, gone * 2 >= hashes.count else { return }
    hashes.removeFirst(gone)
    gone = 0
  }

  /// Whether an event that is kept carries such an id.
  public func hasID(_ sequence: UInt64) -> Bool {
    hashes[gone + Int(sequence - oldest)] != Self.none
  }

  /// The newest event that may carry the id and does.
  ///
  /// - Parameters:
  ///   - id: what a reader names.
  ///   - isRight: whether an event carries it indeed; asked of the newest candidate first.
  /// - Returns: its sequence, `nil` where no kept event carries the id.
  public func newest(with id: [UInt8], where isRight: (UInt64) -> Bool) -> UInt64? {
    let wanted = Self.hash(id)
    var place = hashes.count
    while place > gone {
      place -= 1
      guard hashes[place] == wanted else { continue }
      let sequence = oldest + UInt64(place - gone)
      if isRight(sequence) { return sequence }
    }
    return nil
  }

  private static func hash(_ id: [UInt8]) -> UInt32 {
    var hasher = Hasher()
    hasher.combine(id)
    let hash = UInt32(truncatingIfNeeded: hasher.finalize())
    return hash == none ? 1 : hash
  }
}
