/// One thing that is wrong with a settings file, in a form that a person can act on.
public struct SettingsProblem: Sendable, Equatable {
  /// The file as it was named.
  public let file: String
  /// The line, counted from 1; `nil` where the whole file is meant.
  public let line: Int?
  /// The path of the key, such as `routes[0].run.upstream`; empty where the whole file is meant.
  public let key: String
  /// What was found; texts from the file are in quotes, cut at 80 characters, their control characters escaped.
  public let given: String
  /// What would have been accepted.
  public let allowed: String
  /// The key that was probably meant.
  public let suggestion: String?

  /// Puts a problem together.
  ///
  /// - Parameters:
  ///   - file: the file as it was named.
  ///   - line: the line, counted from 1.
  ///   - key: the path of the key.
  ///   - given: what was found.
  ///   - allowed: what would have been accepted.
  ///   - suggestion: the key that was probably meant.
  public init(file: String, line: Int?, key: String, given: String, allowed: String, suggestion: String?) {
    self.file = file
    self.line = line
    self.key = key
    self.given = given
    self.allowed = allowed
    self.suggestion = suggestion
  }

  /// A text from the file as problems show it.
  static func quoted(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(80).map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true)
      default: String(scalar)
      }
    }
    return "\"\(shown.joined())\(text.unicodeScalars.count > 80 ? "…" : "")\""
  }
}

extension SettingsProblem: CustomStringConvertible {
  /// `file:line: key: given …, allowed: …`, as compilers write it, so that editors find the place.
  public var description: String {
    let place = "\(file)\(line.map { ":\($0)" } ?? ""): \(key.isEmpty ? "" : "\(key): ")"
    return "\(place)given \(given), allowed: \(allowed)\(suggestion.map { "; did you mean \($0)?" } ?? "")"
  }
}
