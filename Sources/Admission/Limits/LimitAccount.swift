/// A limit with everything that is counted for it.
struct LimitAccount: Sendable {
  let limit: Limit
  /// The rule of its buckets, if it is a rate.
  let bucket: TokenBucket?
  let bound: Int
  /// A bit for each dimension, the one with index 0 lowest.
  let dimensions: UInt8
  /// Its keys by what they stand for.
  var keys: [UInt128: Place] = [:]
  var held = 0
  var waiting = 0
  var refused: UInt64 = 0
  var evicted: UInt64 = 0

  init(_ limit: Limit) {
    self.limit = limit
    if case .rate(let rate, let burst) = limit.counts {
      bucket = TokenBucket(rate, burst: burst)
    } else {
      bucket = nil
    }
    bound = limit.counts.bound
    dimensions = limit.per.reduce(0) { $0 | 1 << UInt8($1.index) }
  }
}
