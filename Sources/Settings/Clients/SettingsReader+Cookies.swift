import Admission

extension SettingsReader {
  private static let cookieName = "the name of a cookie of at most 128 bytes, such as session"
  private static let cookieNames = 1...64

  /// A selection of cookies: `none`, `pass` or a list of names.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - summary: what the selection is for.
  /// - Returns: the selection; `none` without the key, or if it is none of that.
  func cookies(_ key: String, _ summary: String) -> CookieSelection {
    let counts = SettingsReader.cookieNames
    let allowed =
      "none, pass, or a list of \(counts.lowerBound) to \(counts.upperBound) items, each \(SettingsReader.cookieName)"
    guard let node = ask(key, summary, default: "\(CookieSelection.none)", allowed: allowed) else { return .none }
    switch node.content {
    case .scalar("none", _): return .none
    case .scalar("pass", _): return .pass
    case .list:
      return items(of: node, key, count: counts, allowed: allowed).map { .named(names(of: $0, key)) } ?? .none
    case .scalar, .mapping:
      report.add(line: node.line, key: below(key), given: node.given, allowed: allowed)
      return .none
    }
  }

  private func names(of items: [SettingsNode], _ key: String) -> [String] {
    var names: [String] = []
    for (index, item) in items.enumerated() {
      let path = "\(below(key))[\(index)]"
      guard case .scalar(let name, _) = item.content, !item.isNothing, name.utf8.count <= 128,
        CookieSelection.isName(name)
      else {
        report.add(line: item.line, key: path, given: item.given, allowed: SettingsReader.cookieName)
        continue
      }
      guard !names.contains(name) else {
        report.add(line: item.line, key: path, given: "\(item.given) again", allowed: "each item once")
        continue
      }
      names.append(name)
    }
    return names
  }
}
