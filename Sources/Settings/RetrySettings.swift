/// How long clients are told to wait before they reconnect: each another time, so that they do not come back as one herd.
public struct RetrySettings: Sendable, Equatable {
  /// The shortest time told; 100 ms to 1 h and at most `max`.
  public var min: Duration
  /// The longest time told; 100 ms to 1 h.
  public var max: Duration

  /// Puts the times together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - min: the shortest time told.
  ///   - max: the longest time told.
  public init(min: Duration, max: Duration) {
    self.min = min
    self.max = max
  }

  /// What holds where the file says nothing.
  public static let `default` = RetrySettings(min: .seconds(1), max: .seconds(3))
}

extension RetrySettings {
  private static let bounds = Duration.milliseconds(100) ... .seconds(3600)

  /// Reads the key `retry`: a mapping of both times, or one time that is both.
  static func read(_ reader: SettingsReader) -> RetrySettings {
    reader.section(
      "retry", orText: UnitScale.milliseconds.allowed(in: bounds),
      "How long an EventSource waits before it reconnects, for each another time; one time alone is min and max."
    ) { text in
      UnitScale.milliseconds.duration(of: text, in: bounds).map { RetrySettings(min: $0, max: $0) }
    } _: {
      RetrySettings($0)
    }
  }

  private init(_ reader: SettingsReader) {
    let standard = RetrySettings.default
    self.init(
      min: reader.duration("min", default: standard.min, in: RetrySettings.bounds, "The shortest time; at most max."),
      max: reader.duration("max", default: standard.max, in: RetrySettings.bounds, "The longest time."))
    if reader.isClean, min > max {
      reader.refuse(
        "min", or: "max", given: UnitScale.text(for: min), allowed: "at most max, which is \(UnitScale.text(for: max))")
    }
  }
}
