import Reactor
import Support
import Testing

@testable import Admission

@Suite struct TokenBucketTests {
  static let units = Rate.Unit.allCases

  /// Takes a token if there is one.
  static func take(_ bucket: TokenBucket, _ fullAt: inout UInt128, at now: Instant) -> Bool {
    guard bucket.hasTokens(moreThan: 0, fullAt: fullAt, at: now) else { return false }
    fullAt = bucket.taken(from: fullAt, at: now)
    return true
  }

  @Test func `a bucket that nobody used has its burst, and then one token at a time`() {
    let bucket = TokenBucket(Rate(count: 10, unit: .second), burst: 3)
    var fullAt: UInt128 = 0
    let start = Instant(nanoseconds: 5_000_000_000)
    #expect((0..<4).map { _ in Self.take(bucket, &fullAt, at: start) } == [true, true, true, false])
    #expect(!Self.take(bucket, &fullAt, at: Instant(nanoseconds: 5_099_999_999)))
    #expect(Self.take(bucket, &fullAt, at: Instant(nanoseconds: 5_100_000_000)))
    #expect(!Self.take(bucket, &fullAt, at: Instant(nanoseconds: 5_100_000_000)))
  }

  @Test func `it never holds more than its burst`() {
    let bucket = TokenBucket(Rate(count: 10, unit: .second), burst: 3)
    var fullAt: UInt128 = 0
    for start in [Instant(nanoseconds: 0), Instant(nanoseconds: 3_600_000_000_000)] {
      #expect((0..<4).map { _ in Self.take(bucket, &fullAt, at: start) } == [true, true, true, false])
    }
    #expect(!bucket.isFull(fullAt, at: Instant(nanoseconds: 3_600_299_999_999)))
    #expect(bucket.isFull(fullAt, at: Instant(nanoseconds: 3_600_300_000_000)))
  }

  @Test(arguments: [(3, Rate.Unit.second), (7, .second), (999_983, .second), (7, .minute), (11, .hour)])
  func `a million tokens take exactly their time`(count: Int, unit: Rate.Unit) {
    let bucket = TokenBucket(Rate(count: count, unit: unit), burst: 1)
    var fullAt: UInt128 = 0
    let start = Instant(nanoseconds: 1_234_567_891)
    // One at once, the others each at the earliest moment, which is told without being waited for.
    let ahead = 1_000_000
    #expect(Self.take(bucket, &fullAt, at: start))
    let moment = bucket.moment(ofTokenAfter: ahead - 1, fullAt: fullAt, at: start)
    let exact = UInt128(ahead) * UInt128(unit.seconds) * 1_000_000_000
    #expect(UInt128(moment.nanoseconds - start.nanoseconds) == (exact + UInt128(count) - 1) / UInt128(count))
  }

  @Test(arguments: 0..<60)
  func `starts in any time are at most burst and rate times it`(seed: UInt64) {
    var random = SplitMix(seed)
    let rate = Rate(count: Int.random(in: 1...50, using: &random), unit: Self.units[Int(seed % 3)])
    let burst = Int.random(in: 1...8, using: &random)
    let bucket = TokenBucket(rate, burst: burst)
    let (count, unit) = (UInt64(rate.count), UInt64(rate.unit.seconds) * 1_000_000_000)
    var fullAt: UInt128 = 0
    var now = Instant(nanoseconds: UInt64.random(in: 0...1 << 40, using: &random))
    var starts: [UInt64] = []
    for _ in 0..<400 {
      now = now + .nanoseconds(Int64.random(in: 0...Int64(2 * unit / count), using: &random))
      if Self.take(bucket, &fullAt, at: now) {
        starts.append(now.nanoseconds)
        continue
      }
      // Who comes at the moment that was named gets in, and nobody does before.
      let moment = bucket.moment(ofTokenAfter: 0, fullAt: fullAt, at: now)
      #expect(moment > now)
      #expect(bucket.hasTokens(moreThan: 0, fullAt: fullAt, at: moment))
      #expect(!bucket.hasTokens(moreThan: 0, fullAt: fullAt, at: Instant(nanoseconds: moment.nanoseconds - 1)))
    }
    for first in starts.indices {
      for last in starts.indices[first...] where last - first + 1 > burst {
        #expect(UInt64(last - first + 1 - burst) * unit <= (starts[last] - starts[first]) * count)
      }
    }
  }

  @Test func `another rule leaves as many tokens missing`() {
    let old = TokenBucket(Rate(count: 10, unit: .second), burst: 4)
    let new = TokenBucket(Rate(count: 30, unit: .minute), burst: 3)
    let now = Instant(nanoseconds: 77_000_000_000)
    var fullAt: UInt128 = 0
    #expect(Self.take(old, &fullAt, at: now))
    // One of three is missing.
    var other = new.converted(fullAt, of: old, at: now)
    #expect((0..<3).map { _ in Self.take(new, &other, at: now) } == [true, true, false])
    #expect(bucketMoment(new, other, now) == now + .seconds(2))
    // All of three are missing, not four.
    for _ in 0..<3 { #expect(Self.take(old, &fullAt, at: now)) }
    #expect(bucketMoment(new, new.converted(fullAt, of: old, at: now), now) == now + .seconds(2))
    // A full one is full.
    #expect(new.isFull(new.converted(0, of: old, at: now), at: now))
  }

  private func bucketMoment(_ bucket: TokenBucket, _ fullAt: UInt128, _ now: Instant) -> Instant {
    bucket.moment(ofTokenAfter: 0, fullAt: fullAt, at: now)
  }
}
