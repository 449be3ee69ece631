// Single values and lists of them.

extension SettingsReader {
  /// A time within bounds.
  func duration(
    _ key: String, default standard: Duration, in bounds: ClosedRange<Duration>,
    scale: UnitScale = .milliseconds, _ summary: String
  ) -> Duration {
    let limits = scale.value(of: bounds.lowerBound)...scale.value(of: bounds.upperBound)
    return scale.duration(quantity(key, scale, default: scale.value(of: standard), in: limits, summary))
  }

  /// A number of bytes within bounds.
  func byteCount(_ key: String, default standard: Int, in bounds: ClosedRange<Int>, _ summary: String) -> Int {
    let limits = Int64(bounds.lowerBound)...Int64(bounds.upperBound)
    return Int(quantity(key, .bytes, default: Int64(standard), in: limits, summary))
  }

  private func quantity(
    _ key: String, _ scale: UnitScale, default standard: Int64, in bounds: ClosedRange<Int64>, _ summary: String
  ) -> Int64 {
    scalar(key, default: scale.text(for: standard), allowed: scale.allowed(in: bounds), summary) { text in
      scale.value(of: text, in: bounds)
    } ?? standard
  }

  /// A whole number within bounds.
  func count(_ key: String, default standard: Int, in bounds: ClosedRange<Int>, _ summary: String) -> Int {
    let allowed = "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
    return scalar(key, default: "\(standard)", allowed: allowed, mayBeQuoted: false, summary) { text in
      guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let number = Int(text),
        bounds.contains(number)
      else { return nil }
      return number
    } ?? standard
  }

  /// `true` or `false`; not `yes`, `on` and the like, which only some readers of YAML take for flags.
  func flag(_ key: String, default standard: Bool, _ summary: String) -> Bool {
    scalar(key, default: "\(standard)", allowed: "true or false", mayBeQuoted: false, summary) { Bool($0) } ?? standard
  }

  /// One of a few words.
  func choice(_ key: String, default standard: String, among words: [String], _ summary: String) -> String {
    scalar(key, default: standard, allowed: "one of \(words.joined(separator: ", "))", summary) {
      words.contains($0) ? $0 : nil
    } ?? standard
  }

  /// One of the words of an enumeration.
  func choice<Word: RawRepresentable<String> & CaseIterable>(
    _ key: String, default standard: Word, _ summary: String
  ) -> Word {
    let words = Word.allCases.map(\.rawValue)
    return Word(rawValue: choice(key, default: standard.rawValue, among: words, summary)) ?? standard
  }

  /// What is written as one text and has a default.
  func text<Value: CustomStringConvertible>(
    _ key: String, default standard: Value, allowed: String, _ summary: String, parse: (String) -> Value?
  ) -> Value {
    scalar(key, default: standard.description, allowed: allowed, summary, parse: parse) ?? standard
  }

  /// A text without which nothing can be made of the mapping; `nil` if it is missing or wrong.
  func required<Value>(
    _ key: String, allowed: String, _ summary: String, parse: (String) -> Value?
  ) -> Value? {
    if !has(key) { refuse(key, given: "nothing", allowed: allowed) }
    return scalar(key, default: nil, allowed: allowed, summary, parse: parse)
  }

  /// A text that may be left out; `nil` also if it is wrong.
  func optional<Value>(_ key: String, allowed: String, _ summary: String, parse: (String) -> Value?) -> Value? {
    scalar(key, default: nil, allowed: allowed, summary, parse: parse)
  }

  private func scalar<Value>(
    _ key: String, default standard: String?, allowed: String, mayBeQuoted: Bool = true, _ summary: String,
    parse: (String) -> Value?
  ) -> Value? {
    guard let node = ask(key, summary, default: standard, allowed: allowed) else { return nil }
    var given = node.given
    if case .scalar(let text, let isPlain) = node.content, !node.isNothing {
      if isPlain || mayBeQuoted {
        if let value = parse(text) { return value }
      } else {
        given = "the text \(given)"
      }
    }
    report.add(line: node.line, key: below(key), given: given, allowed: allowed)
    return nil
  }
}

extension SettingsReader {
  /// A list of texts, none of them twice.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - standard: the value where there is no such key; `nil` where there must be one.
  ///   - count: how many there may be.
  ///   - allowed: what an item may be.
  ///   - summary: what the list is for.
  ///   - parse: makes a value of an item.
  /// - Returns: those that could be made, in the order of the file; the default if it is no list.
  func values<Value: Hashable>(
    _ key: String, default standard: [Value]?, count: ClosedRange<Int>, allowed: String, _ summary: String,
    parse: (String) throws(Mismatch) -> Value
  ) -> [Value] {
    let list = "a list of \(count.lowerBound) to \(count.upperBound) items, each \(allowed)"
    let shown = standard.map { "[\($0.map { "\($0)" }.joined(separator: ", "))]" }
    guard let node = ask(key, summary, default: shown, allowed: list) else {
      if standard == nil { refuse(key, given: "nothing", allowed: list) }
      return standard ?? []
    }
    guard let items = items(of: node, key, count: count, allowed: list) else { return standard ?? [] }
    var values: [Value] = []
    for (index, item) in items.enumerated() {
      let path = "\(below(key))[\(index)]"
      guard case .scalar(let text, _) = item.content, !item.isNothing else {
        report.add(line: item.line, key: path, given: item.given, allowed: allowed)
        continue
      }
      do throws(Mismatch) {
        let value = try parse(text)
        if values.contains(value) {
          report.add(line: item.line, key: path, given: "\(item.given) again", allowed: "each item once")
        } else {
          values.append(value)
        }
      } catch {
        report.add(line: item.line, key: path, given: error.given ?? item.given, allowed: error.allowed)
      }
    }
    return values
  }

  /// The items of a list of an allowed length.
  func items(
    of node: SettingsNode, _ key: String, count: ClosedRange<Int>, allowed: String
  ) -> [SettingsNode]? {
    guard case .list(let items) = node.content else {
      report.add(line: node.line, key: below(key), given: node.given, allowed: allowed)
      return nil
    }
    guard count.contains(items.count) else {
      report.add(line: node.line, key: below(key), given: "a list of \(items.count)", allowed: allowed)
      return nil
    }
    return items
  }
}
