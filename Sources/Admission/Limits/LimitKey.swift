/// One value of a limit's dimensions that something is held, wanted or was lately started for.
struct LimitKey: Sendable {
  /// The key of all subjects for which there was no room among the keys of a rate.
  static let shared = UInt128.max

  let digest: UInt128
  /// The place of the limit in the order of the file.
  let limit: Int
  /// How many slots hold it.
  var held = 0
  /// How many of these have been told to end.
  var leaving = 0
  /// The others, oldest first.
  var staying = Chain()
  /// The claims that wait for it, in the order in which they are served.
  var queue = Chain()
  /// Of a rate: the bucket.
  var fullAt: UInt128 = 0

  /// Whether it can be forgotten, if it counts slots.
  var isIdle: Bool { held == 0 && queue.count == 0 }
}
