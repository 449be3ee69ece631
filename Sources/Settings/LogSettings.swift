/// What the gateway writes about itself.
public struct LogSettings: Sendable, Equatable {
  /// How much is written: lines of this level and above.
  public enum Level: String, Sendable, CaseIterable {
    /// Every step.
    case trace
    /// Every connection and request.
    case debug
    /// What the gateway does as a whole.
    case info
    /// What is worth a look some day.
    case notice
    /// What somebody should look at.
    case warning
    /// What did not work.
    case error
    /// What ends the gateway.
    case critical
  }

  /// How a line is written.
  public enum Format: String, Sendable, CaseIterable {
    /// A word and `key=value`, for people.
    case text
    /// One JSON object, for machines.
    case json
  }

  /// How much is written.
  public var level: Level
  /// How a line is written.
  public var format: Format

  /// Puts log settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - level: how much is written.
  ///   - format: how a line is written.
  public init(level: Level, format: Format) {
    self.level = level
    self.format = format
  }

  /// What holds where the file says nothing.
  public static let `default` = LogSettings(level: .info, format: .text)
}

extension LogSettings {
  init(_ reader: SettingsReader) {
    let standard = LogSettings.default
    self.init(
      level: reader.choice("level", default: standard.level, "How much is written: this level and above."),
      format: reader.choice("format", default: standard.format, "Lines for people, or one JSON object each."))
  }
}
