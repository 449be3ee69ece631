internal import Reactor

/// The times between attempts: twice as long after each failure, and random within the upper half, so that many
/// gateways do not come back to an upstream as one herd.
struct Backoff {
  private let bounds: ClosedRange<Duration>
  private var failures = 0

  init(_ bounds: ClosedRange<Duration>) {
    self.bounds = bounds
  }

  /// The longest time.
  var longest: Duration { bounds.upperBound }

  /// The time to the next attempt, after one more failure.
  ///
  /// - Parameter asked: what the upstream asks for at least; no more than the longest time is granted.
  /// - Returns: how long to wait.
  mutating func next(atLeast asked: Duration = .zero) -> Duration {
    // Beyond 2²⁰ times the shortest time the bound has long been met.
    let doubled = bounds.lowerBound * (1 << min(failures, 20))
    failures += 1
    let ceiling = min(doubled, bounds.upperBound)
    let milliseconds = ceiling.wholeMilliseconds
    let random = UInt64.random(in: (milliseconds / 2)...milliseconds)
    return max(.milliseconds(random), min(asked, bounds.upperBound))
  }

  /// An attempt has succeeded.
  mutating func reset() {
    failures = 0
  }
}
