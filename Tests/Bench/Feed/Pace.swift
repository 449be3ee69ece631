/// How fast the events of the feed are given.
enum Pace: Equatable, Sendable {
  /// One event, and no more.
  case once
  /// One event each time so long has passed.
  case every(Duration)
  /// As fast as the readers get them: so many events at the most are on their way at a time.
  ///
  /// Nobody falls behind that way, and no server is given more than it can deliver.
  case saturated(window: UInt64)
}
