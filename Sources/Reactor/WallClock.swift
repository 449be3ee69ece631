internal import Glibc

/// The civil time, for people and for HTTP's Date field; never for measuring.
public enum WallClock {
  /// Seconds since 1970.
  ///
  /// clock_gettime(2) with CLOCK_REALTIME_COARSE: a tick late at most.
  public static var seconds: Int { time().tv_sec }

  /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
  public static func httpDate(_ seconds: Int) -> String {
    let moment = Civil(seconds)
    return "\(days[moment.weekday]), \(two(moment.day)) \(months[moment.month]) \(moment.year) \(moment.clock) GMT"
  }

  /// `1994-11-06T08:49:37.123Z`, the moment of the call (RFC 3339).
  public static func timestamp() -> String {
    let now = time()
    let moment = Civil(now.tv_sec)
    let milliseconds = now.tv_nsec / 1_000_000
    let fraction = "\(milliseconds / 100)\(milliseconds / 10 % 10)\(milliseconds % 10)"
    return "\(moment.year)-\(two(moment.month + 1))-\(two(moment.day))T\(moment.clock).\(fraction)Z"
  }

  /// A moment in the parts that people write.
  ///
  /// gmtime_r(3).
  private struct Civil {
    let (year, month, day, weekday): (Int, Int, Int, Int)
    let clock: String

    init(_ seconds: Int) {
      var seconds = seconds
      var parts = unsafe tm()
      unsafe gmtime_r(&seconds, &parts)
      year = unsafe Int(parts.tm_year) + 1900
      month = unsafe Int(parts.tm_mon)
      day = unsafe Int(parts.tm_mday)
      weekday = unsafe Int(parts.tm_wday)
      clock = unsafe "\(two(Int(parts.tm_hour))):\(two(Int(parts.tm_min))):\(two(Int(parts.tm_sec)))"
    }
  }

  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private static func time() -> timespec {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME_COARSE, &now)
    return now
  }

  private static func two(_ value: Int) -> String {
    value < 10 ? "0\(value)" : "\(value)"
  }
}
