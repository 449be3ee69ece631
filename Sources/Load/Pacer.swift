internal import Reactor

/// How many clients are to have come at a moment: the ramp, without a timer for each of them.
struct Pacer: Equatable, Sendable {
  /// How many come in all.
  let total: Int
  /// How many a second, `nil` for all at once.
  let perSecond: Double?

  /// How many are to have come.
  ///
  /// - Parameter elapsed: since the beginning.
  /// - Returns: a number from 1 to `total`.
  func due(at elapsed: Duration) -> Int {
    guard let perSecond else { return total }
    // The first comes at once, and each at the moment that is its own: rounding may not lose one.
    let steps = Double(elapsed.nanosecondCount) / 1e9 * perSecond
    return min(total, steps >= Double(total) ? total : Int(steps + 1e-6) + 1)
  }

  /// When the next one after so many is due, since the beginning; `nil` after the last.
  func moment(after started: Int) -> Duration? {
    guard started < total else { return nil }
    guard let perSecond else { return .zero }
    return .nanoseconds(Int64((Double(started) / perSecond * 1e9).rounded(.up)))
  }

  /// How long it takes until the last has come.
  var length: Duration { moment(after: max(0, total - 1)) ?? .zero }
}

extension Duration {
  /// Nanoseconds, for durations below 290 years.
  var nanosecondCount: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }

  /// Seconds as a number to reckon with.
  var inSeconds: Double { Double(nanosecondCount) / 1e9 }
}
