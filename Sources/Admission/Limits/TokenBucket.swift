internal import Reactor

/// The rule of a token bucket: exact, because its clock ticks in fractions of which a token is a whole number.
///
/// With `count` tokens a `unit`, the clock ticks `count` times a nanosecond and a token takes `unit` nanoseconds of
/// ticks, so nothing is ever rounded. A bucket is one number, the tick at which it will be full again; that of a full
/// one has passed.
struct TokenBucket: Sendable {
  private let ticksPerNanosecond: UInt128
  private let ticksPerToken: UInt128
  private let capacityTicks: UInt128

  init(_ rate: Rate, burst: Int) {
    ticksPerNanosecond = UInt128(rate.count)
    ticksPerToken = UInt128(rate.unit.seconds) * 1_000_000_000
    capacityTicks = UInt128(burst) * ticksPerToken
  }

  /// Whether a bucket has more tokens than this number.
  func hasTokens(moreThan count: Int, fullAt: UInt128, at now: Instant) -> Bool {
    let tick = tick(now)
    return max(fullAt, tick) + UInt128(count + 1) * ticksPerToken <= tick + capacityTicks
  }

  /// The bucket after one token was taken.
  func taken(from fullAt: UInt128, at now: Instant) -> UInt128 {
    max(fullAt, tick(now)) + ticksPerToken
  }

  /// When a bucket will have had a token for those ahead and one more, if nobody else takes any; never before `now`.
  func moment(ofTokenAfter ahead: Int, fullAt: UInt128, at now: Instant) -> Instant {
    let needed = max(fullAt, tick(now)) + UInt128(ahead + 1) * ticksPerToken
    guard needed > capacityTicks else { return now }
    let nanoseconds = (needed - capacityTicks + ticksPerNanosecond - 1) / ticksPerNanosecond
    return max(now, Instant(nanoseconds: UInt64(clamping: nanoseconds)))
  }

  /// Whether the bucket has been filled, so that it is like one that nobody ever used.
  func isFull(_ fullAt: UInt128, at now: Instant) -> Bool {
    fullAt <= tick(now)
  }

  /// The bucket of another rule with as many tokens missing, at most all, fractions of a tick rounded up.
  func converted(_ fullAt: UInt128, of other: TokenBucket, at now: Instant) -> UInt128 {
    let otherTick = other.tick(now)
    guard fullAt > otherTick else { return tick(now) }
    let missing = ((fullAt - otherTick) * ticksPerToken + other.ticksPerToken - 1) / other.ticksPerToken
    return tick(now) + min(missing, capacityTicks)
  }

  private func tick(_ moment: Instant) -> UInt128 {
    UInt128(moment.nanoseconds) * ticksPerNanosecond
  }
}
