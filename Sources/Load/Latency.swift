internal import Histogram
package import Reactor

/// The distribution of one kind of time: an HDR histogram from one microsecond to one hour, three digits exact.
///
/// - Bound: about 180 KiB, one of each kind a thread, however many clients there are.
package struct Latency: Sendable {
  private var histogram = Histogram<UInt64>(
    lowestDiscernibleValue: 1000, highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)
  private var longest: UInt64 = 0

  /// A distribution of nothing.
  package init() {}

  /// How many times were taken.
  package var count: UInt64 { histogram.totalCount }

  /// The longest, in nanoseconds, not rounded.
  package var maximum: UInt64 { longest }

  /// Takes a time in nanoseconds; what is longer than an hour counts as an hour.
  @inline(__always)
  package mutating func take(_ nanoseconds: UInt64) {
    histogram.record(min(nanoseconds, 3_600_000_000_000))
    if nanoseconds > longest { longest = nanoseconds }
  }

  /// Takes the time between two moments.
  @inline(__always)
  package mutating func take(from start: Instant, to end: Instant) {
    take(end.nanoseconds > start.nanoseconds ? end.nanoseconds - start.nanoseconds : 0)
  }

  /// Adds what another thread has taken.
  mutating func add(_ other: Latency) {
    histogram.add(other.histogram)
    longest = max(longest, other.longest)
  }

  /// The time below or at which so many percent lie, in nanoseconds; zero where nothing was taken.
  package func percentile(_ percent: Double) -> UInt64 {
    percent >= 100 ? longest : min(histogram.valueAtPercentile(percent), longest)
  }

  /// The mean in nanoseconds.
  package var mean: Double { histogram.mean }
}
