/// Durations counted in buckets that grow with them: each is at most a thirty-second wide of what it holds.
///
/// - Bound: 1920 counts, whatever is recorded.
struct Histogram: Sendable {
  private static let fineBits = 5
  private static let fine = 1 << fineBits
  private var counts = [UInt64](repeating: 0, count: (64 - fineBits + 1) * fine)
  /// How many durations were recorded.
  private(set) var count: UInt64 = 0

  /// Counts a duration in nanoseconds.
  mutating func record(_ nanoseconds: UInt64) {
    counts[Self.bucket(of: nanoseconds)] += 1
    count += 1
  }

  /// The duration that a share of all recorded ones does not exceed.
  ///
  /// - Parameter share: above 0 and at most 1.
  /// - Returns: the middle of the bucket, in nanoseconds; `nil` where nothing was recorded.
  func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = max(1, UInt64((share * Double(count)).rounded(.up)))
    var seen: UInt64 = 0
    for bucket in counts.indices {
      seen += counts[bucket]
      if seen >= rank { return Self.middle(of: bucket) }
    }
    return Self.middle(of: counts.count - 1)
  }

  /// Numbers below 32 have a bucket of their own; above, the five bits after the highest one choose it.
  private static func bucket(of value: UInt64) -> Int {
    guard value >= fine else { return Int(value) }
    let shift = 63 - value.leadingZeroBitCount - fineBits
    return (shift + 1) * fine + Int(value >> UInt64(shift)) - fine
  }

  private static func middle(of bucket: Int) -> Double {
    guard bucket >= fine else { return Double(bucket) }
    let width = Double(sign: .plus, exponent: bucket / fine - 1, significand: 1)
    return (Double(fine + bucket % fine) + 0.5) * width
  }
}
