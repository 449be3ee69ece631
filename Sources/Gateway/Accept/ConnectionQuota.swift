internal import Reactor
internal import Settings

/// How many connections there are in all workers, and how many there may be: `clients.connections`.
///
/// At the bound nobody is accepted: clients wait in the kernel's backlog, and those that are here notice nothing.
/// - Thread: any.
final class ConnectionQuota: Sendable {
  private struct Count: Sendable {
    var open = 0
    var bound: Int
    /// Whether somebody was turned away since there was room.
    var isAwaited = false
  }

  private let count: Locked<Count>

  init(_ bound: ConnectionBound) {
    count = Locked(Count(bound: Self.number(bound)))
  }

  /// Takes one place; false where all are taken.
  func take() -> Bool {
    count.withLock { count in
      guard count.open < count.bound else {
        count.isAwaited = true
        return false
      }
      count.open += 1
      return true
    }
  }

  /// Gives one place back.
  ///
  /// - Returns: whether somebody waits for it: every worker is then to try again.
  func giveBack() -> Bool {
    count.withLock { count in
      count.open -= 1
      guard count.isAwaited, count.open < count.bound else { return false }
      count.isAwaited = false
      return true
    }
  }

  /// Takes another bound into force; fewer than there are ends nobody.
  ///
  /// - Returns: whether somebody waits who has room now.
  func change(_ bound: ConnectionBound) -> Bool {
    count.withLock { count in
      count.bound = Self.number(bound)
      guard count.isAwaited, count.open < count.bound else { return false }
      count.isAwaited = false
      return true
    }
  }

  private static func number(_ bound: ConnectionBound) -> Int {
    switch bound {
    case .auto: max(1, (ProcessLimits.raiseDescriptors() - 64) / 2)
    case .number(let number): number
    }
  }
}
