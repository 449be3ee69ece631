/// What a timing wheel wakes.
public protocol TimerOwner: AnyObject {
  /// A timer that this owner set is due. Its ID is spent.
  func timerFired(_ tag: UInt8)
}

/// A timer that was set and neither fired nor was cancelled; stale IDs are harmless.
public struct TimerID: Equatable, Sendable {
  fileprivate let index: Int32
  fileprivate let generation: UInt32
}

/// A hierarchical timing wheel: setting, cancelling and firing cost a constant, whatever is in it.
///
/// Level *n* has 64 slots of 64ⁿ milliseconds. A timer sits in the slot of the highest level in which its
/// moment and the wheel's differ, and moves down a level each time its slot is reached. The timers are
/// entries of one array, linked by index: no allocation for each, and nothing to walk while none is due.
/// - Thread: the loop's.
/// - Bound: the longest time is 2³⁶ ms; later moments wait there and are put back.
public struct TimingWheel {
  private struct Entry {
    var owner: (any TimerOwner)?
    var due: UInt64
    var list: Int32
    var previous: Int32
    var next: Int32
    var generation: UInt32
    var tag: UInt8
  }

  private static let levels = 6
  private static let none: Int32 = -1
  /// The list of entries that are due and not yet taken.
  private static let dueList = levels * 64

  private var entries: [Entry] = []
  private var firstFree = none
  private var heads = [Int32](repeating: none, count: dueList + 1)
  private var occupied = InlineArray<6, UInt64>(repeating: 0)
  /// The millisecond up to which everything was taken.
  private var elapsed: UInt64

  /// How many timers are set.
  public private(set) var count = 0

  /// An empty wheel that begins at a moment.
  public init(startingAt start: Instant) {
    elapsed = start.milliseconds
  }

  /// Sets a timer.
  ///
  /// It fires in the first turn after its millisecond has passed, never before.
  ///
  /// - Parameters:
  ///   - moment: when; a moment that has passed fires in the next millisecond.
  ///   - owner: kept alive until the timer fires or is cancelled.
  ///   - tag: tells an owner's timers apart.
  /// - Returns: the means to cancel it.
  public mutating func set(at moment: Instant, for owner: any TimerOwner, tag: UInt8 = 0) -> TimerID {
    let index = takeFreeEntry()
    entries[Int(index)].owner = owner
    entries[Int(index)].tag = tag
    // Rounded up, or a timer would fire up to a millisecond early.
    entries[Int(index)].due = (moment.nanoseconds &+ 999_999) / 1_000_000
    place(index)
    count += 1
    return TimerID(index: index, generation: entries[Int(index)].generation)
  }

  /// Cancels a timer; without effect if it fired or was cancelled before.
  public mutating func cancel(_ timer: TimerID) {
    guard entries.indices.contains(Int(timer.index)), entries[Int(timer.index)].generation == timer.generation
    else { return }
    unlink(timer.index)
    free(timer.index)
  }

  /// Takes one timer that is due, `nil` when there is no more.
  public mutating func takeDue(at now: Instant) -> (owner: any TimerOwner, tag: UInt8)? {
    let tick = now.milliseconds
    while heads[Self.dueList] == Self.none {
      guard let next = nextSlot(), next.start <= tick else {
        elapsed = max(elapsed, tick)
        return nil
      }
      elapsed = max(elapsed, next.start)
      cascade(level: next.level, slot: next.slot)
    }
    let index = heads[Self.dueList]
    unlink(index)
    let (owner, tag) = (entries[Int(index)].owner, entries[Int(index)].tag)
    free(index)
    guard let owner else { preconditionFailure("a timer that is set has an owner") }
    return (owner, tag)
  }

  /// When the wheel wants to be looked at next, `nil` while it is empty; no timer is due before.
  public func nextMoment() -> Instant? {
    if heads[Self.dueList] != Self.none { return Instant(nanoseconds: elapsed * 1_000_000) }
    return nextSlot().map { Instant(nanoseconds: $0.start * 1_000_000) }
  }

  // MARK: - Slots

  private func nextSlot() -> (level: Int, slot: Int, start: UInt64)? {
    for level in 0..<Self.levels where occupied[level] != 0 {
      let shift = UInt64(level * 6)
      let position = Int((elapsed >> shift) & 63)
      let bits = occupied[level]
      let rotated = position == 0 ? bits : (bits >> UInt64(position)) | (bits << UInt64(64 - position))
      let slot = (position + rotated.trailingZeroBitCount) & 63
      let span = shift + 6
      var start = (elapsed >> span) << span | UInt64(slot) << shift
      if slot < position { start += 1 << span }
      return (level, slot, start)
    }
    return nil
  }

  /// Empties a slot whose time has come: each timer is due, or goes to a lower level.
  private mutating func cascade(level: Int, slot: Int) {
    let list = level * 64 + slot
    var index = heads[list]
    heads[list] = Self.none
    occupied[level] &= ~(1 << UInt64(slot))
    while index != Self.none {
      let next = entries[Int(index)].next
      place(index)
      index = next
    }
  }

  private mutating func place(_ index: Int32) {
    let due = entries[Int(index)].due
    guard due > elapsed else {
      link(index, to: Self.dueList)
      return
    }
    let differing = (elapsed ^ due) | 63
    let level = min((63 - differing.leadingZeroBitCount) / 6, Self.levels - 1)
    let farthest = elapsed + (1 << UInt64(Self.levels * 6)) - (1 << UInt64((Self.levels - 1) * 6))
    let slot = Int((min(due, farthest) >> UInt64(level * 6)) & 63)
    link(index, to: level * 64 + slot)
    occupied[level] |= 1 << UInt64(slot)
  }

  // MARK: - Lists

  private mutating func link(_ index: Int32, to list: Int) {
    let head = heads[list]
    entries[Int(index)].list = Int32(list)
    entries[Int(index)].previous = Self.none
    entries[Int(index)].next = head
    if head != Self.none { entries[Int(head)].previous = index }
    heads[list] = index
  }

  private mutating func unlink(_ index: Int32) {
    let entry = entries[Int(index)]
    if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
    if entry.previous != Self.none {
      entries[Int(entry.previous)].next = entry.next
      return
    }
    let list = Int(entry.list)
    heads[list] = entry.next
    if entry.next == Self.none, list != Self.dueList {
      occupied[list / 64] &= ~(1 << UInt64(list % 64))
    }
  }

  private mutating func takeFreeEntry() -> Int32 {
    if firstFree != Self.none {
      let index = firstFree
      firstFree = entries[Int(index)].next
      return index
    }
    entries.append(
      Entry(owner: nil, due: 0, list: 0, previous: Self.none, next: Self.none, generation: 0, tag: 0))
    return Int32(entries.count - 1)
  }

  private mutating func free(_ index: Int32) {
    entries[Int(index)].owner = nil
    entries[Int(index)].generation &+= 1
    entries[Int(index)].next = firstFree
    firstFree = index
    count -= 1
  }
}
