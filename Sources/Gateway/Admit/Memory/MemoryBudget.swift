internal import Synchronization

/// How far the memory that is counted fills its budget.
///
/// What gives way, in this order: finished runs' logs, new work, new connections. What is under way has the rest, so
/// that a stream that was admitted can grow.
enum MemoryLevel: Int, Comparable {
  /// There is room.
  case free
  /// Seven eighths are taken: finished runs give way, then what every reader of a live stream has had.
  case tight
  /// Fifteen sixteenths are taken: what is new is refused.
  case short
  /// Everything is taken: nobody is accepted.
  case exhausted

  /// The level of so many bytes; at each bound there is still room.
  init(_ bytes: Int, of budgetBytes: Int) {
    if bytes > budgetBytes {
      self = .exhausted
    } else if bytes > budgetBytes - budgetBytes / 16 {
      self = .short
    } else if bytes > budgetBytes - budgetBytes / 8 {
      self = .tight
    } else {
      self = .free
    }
  }

  static func < (left: MemoryLevel, right: MemoryLevel) -> Bool { left.rawValue < right.rawValue }
}

/// How many bytes all workers hold together, and how many they may: `memory.budget`.
///
/// - Thread: any.
final class MemoryBudget: Sendable {
  private let held = Atomic<Int>(0)
  private let bound: Atomic<Int>
  /// What was given back since the kernel got it.
  private let released = Atomic<Int>(0)
  /// Whether somebody was not accepted since there was room.
  private let isAwaited = Atomic<Bool>(false)
  /// Whether workers were asked for room and none has answered.
  private let isCalled = Atomic<Bool>(false)

  /// A budget of which nothing is taken.
  init(bytes: Int) {
    bound = Atomic(bytes)
  }

  /// The budget.
  var bytes: Int { bound.load(ordering: .relaxed) }

  /// What is taken of it.
  var heldBytes: Int { held.load(ordering: .relaxed) }

  var level: MemoryLevel { level(with: 0) }

  /// The level that so many bytes more would lead to.
  func level(with more: Int) -> MemoryLevel { MemoryLevel(heldBytes + more, of: bytes) }

  /// Takes so many bytes, or gives them back.
  func add(_ difference: Int) {
    held.add(difference, ordering: .relaxed)
    if difference < 0 { released.add(-difference, ordering: .relaxed) }
  }

  /// Whether what was given back is to go back to the kernel: where memory is tight, once for each quarter of the budget.
  func mayTrim() -> Bool {
    let enough = bytes / 4
    guard released.load(ordering: .relaxed) >= enough, level >= .tight else { return false }
    return released.exchange(0, ordering: .relaxed) >= enough
  }

  /// Takes another budget into force.
  func change(to bytes: Int) {
    bound.store(bytes, ordering: .relaxed)
  }

  /// Whether the other workers are to be asked for room: not again before one has heard it.
  func mayCall() -> Bool {
    !isCalled.exchange(true, ordering: .relaxed)
  }

  /// A worker was asked, and gives what it can.
  func heard() {
    isCalled.store(false, ordering: .relaxed)
  }

  /// Whether there is room for one more connection; where not, `mayResume` will tell.
  func mayAccept() -> Bool {
    if level < .exhausted { return true }
    isAwaited.store(true, ordering: .relaxed)
    return false
  }

  /// Whether there is room again for those who were not accepted; told once.
  func mayResume() -> Bool {
    guard isAwaited.load(ordering: .relaxed), level < .exhausted else { return false }
    return isAwaited.exchange(false, ordering: .relaxed)
  }
}
