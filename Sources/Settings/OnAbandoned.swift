/// What becomes of a run that nobody watches any more.
public enum OnAbandoned: Sendable, Equatable {
  /// Its upstream request is closed at once.
  case cancel
  /// It goes on for this time, and ends if nobody came back; 100 ms to 1 h.
  case linger(Duration)
  /// It goes on to its own end.
  case detach

  /// What holds where the file says nothing: enough for a page to be loaded again.
  public static let `default` = OnAbandoned.linger(.seconds(15))

  private static let bounds = Duration.milliseconds(100) ... .seconds(3600)

  static let allowed = "cancel, detach, or linger and \(UnitScale.milliseconds.allowed(in: bounds)), such as linger 15s"

  /// Reads a policy as it stands in the settings.
  init?(_ text: String) {
    let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    switch (words[0], words.count) {
    case ("cancel", 1): self = .cancel
    case ("detach", 1): self = .detach
    case ("linger", 2):
      guard let time = UnitScale.milliseconds.duration(of: String(words[1]), in: OnAbandoned.bounds) else { return nil }
      self = .linger(time)
    default: return nil
    }
  }
}

extension OnAbandoned: CustomStringConvertible {
  /// The policy as it stands in the settings.
  public var description: String {
    switch self {
    case .cancel: "cancel"
    case .linger(let time): "linger \(UnitScale.text(for: time))"
    case .detach: "detach"
    }
  }
}
