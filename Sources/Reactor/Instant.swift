import Glibc

/// A moment on the monotonic clock, in nanoseconds.
///
/// Pure code gets it as an argument; only a loop reads the clock, once a turn.
public struct Instant: Comparable, Hashable, Sendable {
  /// Nanoseconds since an arbitrary moment before the process began.
  public let nanoseconds: UInt64

  /// A moment by its nanoseconds.
  @inlinable
  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// The clock now.
  ///
  /// clock_gettime(2) with CLOCK_MONOTONIC.
  public static var now: Instant {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  /// Whole milliseconds, rounded down: the tick of the timing wheel.
  @inlinable public var milliseconds: UInt64 { nanoseconds / 1_000_000 }

  /// The later moment; durations below zero count as zero.
  public static func + (left: Instant, right: Duration) -> Instant {
    Instant(nanoseconds: left.nanoseconds &+ right.wholeNanoseconds)
  }

  /// The time from `right` to `left`, zero where `right` is later.
  public static func - (left: Instant, right: Instant) -> Duration {
    .nanoseconds(left.nanoseconds > right.nanoseconds ? Int64(left.nanoseconds - right.nanoseconds) : 0)
  }

  /// Earlier is less.
  @inlinable
  public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }
}

extension Duration {
  /// Milliseconds, rounded down; zero for a negative duration.
  public var wholeMilliseconds: UInt64 { wholeNanoseconds / 1_000_000 }

  /// Nanoseconds, zero for a negative duration; saturates after about 290 years.
  var wholeNanoseconds: UInt64 {
    let parts = components
    guard parts.seconds >= 0, parts.attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(parts.seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? UInt64(Int64.max) : product + UInt64(parts.attoseconds / 1_000_000_000)
  }
}
