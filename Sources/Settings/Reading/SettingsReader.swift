/// One mapping of the file, asked key by key.
///
/// Every key is asked for once, with its default, its bounds and what it is for; what the file has beyond that is unknown.
/// A wrong value becomes a problem in the report and its default is returned, so that reading goes on and finds the rest.
final class SettingsReader {
  let path: String
  /// `path` with `[]` and `*` for what the operator counts and names.
  let pattern: String
  let line: Int
  private let entries: [SettingsNode.Entry]
  private var asked: [String] = []
  let report: SettingsReport
  private let problemsBefore: Int

  /// Reads the whole file.
  convenience init(root: SettingsNode, report: SettingsReport) {
    self.init(path: "", pattern: "", node: root, report: report)
  }

  init(path: String, pattern: String, node: SettingsNode, report: SettingsReport) {
    self.path = path
    self.pattern = pattern
    self.line = node.line
    self.report = report
    problemsBefore = report.count
    entries = node.entries
  }

  /// Reads the mapping with a closure that asks for every key it may have.
  func read<Value>(_ body: (SettingsReader) -> Value) -> Value {
    let value = body(self)
    refuseUnknown()
    return value
  }

  /// Whether everything asked for so far was as it should be; only then do contradictions make sense.
  var isClean: Bool { report.count == problemsBefore }

  /// Whether the file has a key.
  func has(_ key: String) -> Bool {
    entries.contains { $0.name == key }
  }

  /// Notes that a value contradicts another one.
  ///
  /// - Parameters:
  ///   - key: the key to name, or the path of one in a mapping below, such as `log.bytes`.
  ///   - other: the key that is in the file if `key` has its default.
  ///   - given: what was found.
  ///   - allowed: what would have been accepted.
  func refuse(_ key: String, or other: String? = nil, given: String, allowed: String) {
    let place = line(of: key) ?? other.flatMap { line(of: $0) } ?? line
    report.add(line: place, key: below(key), given: given, allowed: allowed)
  }

  /// Where the value of a key stands; `nil` where the file has none.
  private func line(of key: String) -> Int? {
    var entries = entries
    var line: Int?
    for name in key.split(separator: ".") {
      guard let entry = entries.first(where: { $0.name == name }) else { return nil }
      line = entry.value.line
      entries = entry.value.entries
    }
    return line
  }

  private func refuseUnknown() {
    for entry in entries where !asked.contains(entry.name) {
      if path.isEmpty && entry.name.hasPrefix("x-") { continue }
      report.add(
        line: entry.line, key: below(entry.name), given: "an unknown key",
        allowed: "one of \(asked.sorted().joined(separator: ", "))",
        suggestion: Suggestion.nearest(to: entry.name, among: asked) ?? elsewhere(entry.name))
    }
  }

  /// Where a key of this name would belong, if it is one that only stands in the wrong place.
  private func elsewhere(_ name: String) -> String? {
    let paths = Settings.keys.map(\.path).filter { $0 == name || $0.hasSuffix(".\(name)") }
    return paths.isEmpty ? nil : paths.joined(separator: " or ")
  }

  /// The path of a key in the file.
  func below(_ key: String) -> String {
    path.isEmpty ? key : "\(path).\(key)"
  }

  /// The path under which a key is known, whatever the file's indices and names.
  func known(_ key: String) -> String {
    pattern.isEmpty ? key : "\(pattern).\(key)"
  }

  /// Asks for a key: notes that it exists and finds it in the file.
  func ask(_ key: String, _ summary: String, default: String?, allowed: String?) -> SettingsNode? {
    asked.append(key)
    report.know(SettingsKey(path: known(key), summary: summary, default: `default`, allowed: allowed))
    return entries.first { $0.name == key }?.value
  }
}
