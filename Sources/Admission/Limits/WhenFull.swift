/// What becomes of a claim that finds no room at a limit.
public enum WhenFull: Sendable, Equatable {
  /// It is refused at once.
  case refuse
  /// The oldest stream of the same key is ended, and the new one takes its room as soon as that is free.
  case evictOldest
  /// It waits its turn for this time, and is refused then.
  case wait(Duration)
}

extension WhenFull: CustomStringConvertible {
  /// The choice as it stands in the settings.
  public var description: String {
    switch self {
    case .refuse: return "refuse"
    case .evictOldest: return "evict-oldest"
    case .wait(let time):
      let (seconds, attoseconds) = time.components
      let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
      return milliseconds.isMultiple(of: 1000) ? "wait \(milliseconds / 1000)s" : "wait \(milliseconds)ms"
    }
  }
}
