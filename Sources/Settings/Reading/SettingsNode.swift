/// A value of a YAML document with its place: aliases followed, merges done, nothing interpreted.
struct SettingsNode {
  /// What a value is made of.
  enum Content {
    /// A text; `isPlain` where it stands without quotes and may therefore be a number, a flag or nothing.
    case scalar(String, isPlain: Bool)
    case list([SettingsNode])
    case mapping([Entry])
  }

  /// A key with its value.
  struct Entry {
    let name: String
    let line: Int
    let value: SettingsNode
  }

  let line: Int
  let content: Content

  /// A mapping that stands in no file.
  static func mapping(_ pairs: [(String, SettingsNode)]) -> SettingsNode {
    SettingsNode(line: 0, content: .mapping(pairs.map { Entry(name: $0, line: 0, value: $1) }))
  }

  /// A list that stands in no file.
  static func list(_ items: [SettingsNode]) -> SettingsNode {
    SettingsNode(line: 0, content: .list(items))
  }

  /// Whether there is a key without a value (YAML 1.2 §10.2.1.1).
  var isNothing: Bool {
    if case .scalar(let text, isPlain: true) = content {
      ["", "~", "null", "Null", "NULL"].contains(text)
    } else {
      false
    }
  }

  /// The keys of a mapping; none where it is something else.
  var entries: [Entry] {
    if case .mapping(let entries) = content { entries } else { [] }
  }

  /// What was found, as problems name it.
  var given: String {
    switch content {
    case _ where isNothing: "nothing"
    case .scalar(let text, _): SettingsProblem.quoted(text)
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }
}
