internal import Streams

/// What a reader has beside its place in the log, once it was too slow for that; others have nothing of it.
///
/// - Owner: the reader.
/// - Bound: that of a detour.
final class SlowReading {
  /// What it gets instead of the log.
  var detour: Detour?
  /// The id of the last event before the detour, where its stream's ids are not sequences.
  var lastID: [UInt8]?
  /// How many events it did not get as such: passed over, or merged into others.
  var missed: UInt64 = 0
}
