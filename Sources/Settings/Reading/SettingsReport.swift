/// What comes to light while a file is read: the problems in it, and the keys that were asked for.
final class SettingsReport {
  private let file: String
  private var problems: [SettingsProblem] = []
  private(set) var keys: [SettingsKey] = []
  private var paths: Set<String> = []

  init(file: String) {
    self.file = file
  }

  /// A path as it stands in the file, seen from the file's folder.
  func path(_ text: String) -> String {
    guard !text.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return text }
    return "\(file[...slash])\(text)"
  }

  /// How many problems there are.
  var count: Int { problems.count }

  /// Notes a problem.
  func add(line: Int?, key: String, given: String, allowed: String, suggestion: String? = nil) {
    problems.append(
      SettingsProblem(file: file, line: line, key: key, given: given, allowed: allowed, suggestion: suggestion))
  }

  /// Notes that a key exists; the items of a list ask for the same ones again.
  func know(_ key: SettingsKey) {
    if paths.insert(key.path).inserted { keys.append(key) }
  }

  /// The problems in the order of the file.
  func error() -> SettingsError {
    // Sorting is stable, so that problems of one line stay in the order in which they were found.
    SettingsError(problems: problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
  }
}
