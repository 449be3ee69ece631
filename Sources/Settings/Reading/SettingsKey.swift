/// One key that a settings file may have, as the code that reads it knows it.
public struct SettingsKey: Sendable, Equatable {
  /// Its path, with `[]` for the items of a list and `*` for a name that the operator chooses.
  public let path: String
  /// What it is for, in one sentence.
  public let summary: String
  /// Its value where the file has none, as it would stand there; `nil` where it is required or its absence has a meaning.
  public let `default`: String?
  /// What it may be; `nil` for a mapping.
  public let allowed: String?
}

extension Settings {
  /// Every key that a file may have, in the order in which they are read.
  public static let keys: [SettingsKey] = {
    let report = SettingsReport(file: "keys")
    // The smallest file in which no part is missing, so that every key is asked for.
    let root = SettingsNode.mapping([
      ("listen", .list([.mapping([("tls", .mapping([("certificates", .list([.mapping([])]))]))])])),
      ("upstreams", .mapping([("a", .mapping([]))])),
      ("cors", .mapping([])),
      ("authentication", .mapping([("jwt", .mapping([])), ("authorize", .mapping([]))])),
      ("tickets", .mapping([])),
      ("limits", .list([.mapping([])])),
      (
        "routes",
        .list([
          .mapping([
            ("run", .mapping([])), ("feed", .mapping([])), ("cors", .mapping([])),
            ("authentication", .mapping([("jwt", .mapping([])), ("authorize", .mapping([]))])),
          ])
        ])
      ),
    ])
    _ = SettingsReader(root: root, report: report).read { Settings($0) }
    return report.keys
  }()
}
