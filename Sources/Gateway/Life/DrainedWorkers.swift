internal import Reactor

/// Which workers have nothing left to do.
///
/// - Thread: any.
final class DrainedWorkers: Sendable {
  private let isDrained: Locked<[Bool]>

  init(_ count: Int) {
    isDrained = Locked(Array(repeating: false, count: count))
  }

  /// Takes note of one worker.
  ///
  /// - Returns: whether it is the last that the others have waited for.
  func report(_ isNow: Bool, of place: Int) -> Bool {
    isDrained.withLock { all in
      let wasSo = all[place]
      all[place] = isNow
      return isNow && !wasSo && all.allSatisfy { $0 }
    }
  }
}
