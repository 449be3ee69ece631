/// What a reader gets that names the last event it has seen.
public enum Replay: Equatable, Sendable {
  /// The events after this one, then whatever follows.
  case follow(after: UInt64)
  /// First the news that these events have left the log, then the oldest that is kept and what follows.
  case gap(from: UInt64, to: UInt64)
  /// It has everything, and nothing will follow.
  case nothingLeft
  /// No such event was ever given out.
  case impossible

  /// Decides from the state of a run's log and the sequence that a reader names.
  ///
  /// - Parameters:
  ///   - seen: the last event that the reader has, zero for none.
  ///   - oldest: the oldest event that is kept, one more than `newest` where none is.
  ///   - newest: the newest event, zero where there was none.
  ///   - isFinished: whether the terminal event was appended.
  /// - Returns: what to do.
  public static func decide(seen: UInt64, oldest: UInt64, newest: UInt64, isFinished: Bool) -> Replay {
    if seen > newest { return .impossible }
    if seen == newest { return isFinished ? .nothingLeft : .follow(after: seen) }
    return seen + 1 >= oldest ? .follow(after: seen) : .gap(from: seen + 1, to: oldest - 1)
  }
}
