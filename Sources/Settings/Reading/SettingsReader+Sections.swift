// Mappings below a key, one or many.

extension SettingsReader {
  /// A mapping whose keys all have defaults; without it, or with nothing in it, they hold.
  func section<Value>(_ key: String, _ summary: String, _ body: (SettingsReader) -> Value) -> Value {
    let node = ask(key, summary, default: nil, allowed: nil).flatMap { $0.isNothing ? nil : mapping($0, below(key)) }
    return read(node ?? nothing(at: line), below(key), known(key), body)
  }

  /// A mapping whose keys all have defaults, or one text that says all of it.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - allowed: what the text may be.
  ///   - summary: what the mapping is for.
  ///   - parse: makes the value of the text.
  ///   - body: reads the mapping.
  /// - Returns: the value; the default if it is neither.
  func section<Value>(
    _ key: String, orText allowed: String, _ summary: String, parse: (String) -> Value?,
    _ body: (SettingsReader) -> Value
  ) -> Value {
    let allowed = "a mapping, or \(allowed)"
    guard let node = ask(key, summary, default: nil, allowed: allowed), !node.isNothing else {
      return read(nothing(at: line), below(key), known(key), body)
    }
    switch node.content {
    case .mapping: return read(node, below(key), known(key), body)
    case .scalar(let text, _): if let value = parse(text) { return value }
    case .list: break
    }
    report.add(line: node.line, key: below(key), given: node.given, allowed: allowed)
    return read(nothing(at: node.line), below(key), known(key), body)
  }

  /// A mapping whose absence has a meaning of its own; `nil` without it, or if nothing can be made of it.
  func optionalSection<Value>(_ key: String, _ summary: String, _ body: (SettingsReader) -> Value?) -> Value? {
    guard let node = ask(key, summary, default: nil, allowed: nil), let node = mapping(node, below(key)) else {
      return nil
    }
    return read(node, below(key), known(key), body)
  }

  /// A list of mappings that must be there.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - count: how many there may be.
  ///   - once: what no two of them may have in common, and the key to blame.
  ///   - summary: what the list is for.
  ///   - body: reads one; `nil` if it cannot be made, which the reader has noted.
  /// - Returns: those that could be made, in the order of the file.
  func sections<Value>(
    _ key: String, count: ClosedRange<Int>, once: (key: String, of: (Value) -> String?), _ summary: String,
    _ body: (SettingsReader) -> Value?
  ) -> [Value] {
    let allowed = "a list of \(count.lowerBound) to \(count.upperBound) mappings"
    guard let node = ask(key, summary, default: nil, allowed: allowed) else {
      refuse(key, given: "nothing", allowed: allowed)
      return []
    }
    var values: [Value] = []
    var seen: [String: Int] = [:]
    for (index, item) in (items(of: node, key, count: count, allowed: allowed) ?? []).enumerated() {
      let path = "\(below(key))[\(index)]"
      guard let item = mapping(item, path), let value = read(item, path, "\(known(key))[]", body) else { continue }
      values.append(value)
      guard let identity = once.of(value) else { continue }
      if let first = seen[identity] {
        report.add(
          line: item.line, key: "\(path).\(once.key)", given: "\(identity) again",
          allowed: "once; line \(first) has it already")
      } else {
        seen[identity] = item.line
      }
    }
    return values
  }

  /// A mapping from names that the operator chooses to mappings.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - maximum: how many names there may be.
  ///   - summary: what the mapping is for.
  ///   - body: reads what one name stands for.
  /// - Returns: every name in the order of the file, with `nil` for what is no mapping; `nil` where all of it is none.
  func namedSections<Value>(
    _ key: String, atMost maximum: Int, _ summary: String, _ body: (SettingsReader) -> Value
  ) -> [(name: String, value: Value?)]? {
    let allowed = "a mapping of at most \(maximum) names"
    guard let node = ask(key, summary, default: nil, allowed: allowed), !node.isNothing else { return [] }
    guard case .mapping(let entries) = node.content else {
      report.add(line: node.line, key: below(key), given: node.given, allowed: allowed)
      return nil
    }
    guard entries.count <= maximum else {
      report.add(line: node.line, key: below(key), given: "a mapping of \(entries.count)", allowed: allowed)
      return nil
    }
    return entries.map { entry in
      let path = "\(below(key)).\(entry.name)"
      if !SettingsReader.isName(entry.name) {
        report.add(
          line: entry.line, key: below(key), given: "the name \(SettingsProblem.quoted(entry.name))",
          allowed: "a name of 1 to 64 letters, digits, _ and -")
      }
      let node = entry.value.isNothing ? nothing(at: entry.line) : mapping(entry.value, path)
      return (entry.name, node.map { read($0, path, "\(known(key)).*", body) })
    }
  }

  private static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
  }

  private func nothing(at line: Int) -> SettingsNode {
    SettingsNode(line: line, content: .mapping([]))
  }

  private func mapping(_ node: SettingsNode, _ path: String) -> SettingsNode? {
    if case .mapping = node.content { return node }
    report.add(line: node.line, key: path, given: node.given, allowed: "a mapping")
    return nil
  }

  private func read<Value>(
    _ node: SettingsNode, _ path: String, _ pattern: String, _ body: (SettingsReader) -> Value
  ) -> Value {
    SettingsReader(path: path, pattern: pattern, node: node, report: report).read(body)
  }
}
