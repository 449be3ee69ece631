/// Everything that is wrong with a settings file.
public struct SettingsError: Error, Sendable, Equatable {
  /// The problems in the order of the file; at least one, at most `maximum`.
  public let problems: [SettingsProblem]
  /// How many more there are.
  public let more: Int

  /// How many problems are kept; a file with more is another kind of file.
  public static let maximum = 100

  /// Keeps the first problems of a file.
  ///
  /// - Parameter problems: all of them.
  public init(problems: [SettingsProblem]) {
    self.problems = Array(problems.prefix(SettingsError.maximum))
    self.more = problems.count - self.problems.count
  }
}

extension SettingsError: CustomStringConvertible {
  /// One line for each problem.
  public var description: String {
    let lines = problems.map(\.description) + (more > 0 ? ["and \(more) more"] : [])
    return lines.joined(separator: "\n")
  }
}
