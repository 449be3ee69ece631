import Yams

extension SettingsNode {
  /// Reads one YAML document: its outermost mapping, `nil` where it is not well-formed or something else.
  ///
  /// - Parameters:
  ///   - yaml: the document.
  ///   - report: takes what is wrong with it.
  init?(yaml: String, report: SettingsReport) {
    guard let root = Node.root(of: yaml, report: report) else { return nil }
    var translation = Translation(report: report)
    guard let node = translation.node(root, path: "") else { return nil }
    guard case .mapping = node.content else {
      report.add(line: node.line, key: "", given: node.given, allowed: "a mapping with listen, upstreams and routes")
      return nil
    }
    self = node
  }
}

extension Node {
  /// The parser's tree, nothing resolved: which text is a number is for the reader of a key to say.
  fileprivate static func root(of yaml: String, report: SettingsReport) -> Node? {
    var text = yaml
    var firstError: YamlError?
    for _ in 0...RepeatedKey.maximum {
      do throws(YamlError) {
        if let root = try parsed(text) { return root }
        report.add(line: nil, key: "", given: "nothing", allowed: "a mapping with listen, upstreams and routes")
        return nil
      } catch {
        firstError = firstError ?? error
        guard let renamed = RepeatedKey.renamed(in: text, after: error) else { break }
        text = renamed
      }
    }
    if let fault = firstError?.fault {
      report.add(line: fault.line, key: "", given: fault.given, allowed: fault.allowed)
    }
    return nil
  }

  private static func parsed(_ text: String) throws(YamlError) -> Node? {
    do {
      return try Parser(yaml: text, resolver: .basic, constructor: .default, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
      throw error
    } catch {
      throw .reader(problem: "\(error)", offset: nil, value: 0, yaml: text)
    }
  }
}

extension YamlError {
  /// Where the parser stopped, and why.
  fileprivate var fault: (line: Int?, given: String, allowed: String) {
    let wellFormed = "one well-formed document"
    switch self {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = context.map { "\($0.text) from line \($0.mark.line), " } ?? ""
      return (mark.line, "broken YAML (\(place)\(problem))", wellFormed)
    case .reader(let problem, let offset, _, let yaml):
      let line = offset.map { yaml.prefix($0).count(where: \.isNewline) + 1 }
      return (line, "broken YAML (\(problem))", wellFormed)
    case .duplicatedKeysInMapping(let names, let context):
      let keys = names.map(SettingsProblem.quoted).joined(separator: ", ")
      return (context.mark.line, "\(keys) more than once in one mapping", "each key once")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return (nil, "broken YAML (\(self))", wellFormed)
    }
  }
}

/// Makes our tree of the parser's, within bounds: aliases of aliases could otherwise grow it beyond all memory.
private struct Translation {
  private static let maximumDepth = 32
  private static let maximumNodes = 100_000

  private let report: SettingsReport
  private var nodes = 0
  private var isExceeded = false

  init(report: SettingsReport) {
    self.report = report
  }

  /// The value and all below it; `nil` if it cannot be taken, which the report then says.
  mutating func node(_ node: Node, path: String, depth: Int = 0) -> SettingsNode? {
    let line = node.mark?.line ?? 0
    guard isWithinBounds(depth: depth, line: line) else { return nil }
    switch node {
    case .scalar(let scalar):
      guard accept(scalar.tag, .str, line: line, path: path) else { return nil }
      return SettingsNode(line: line, content: .scalar(scalar.string, isPlain: scalar.style == .plain))
    case .sequence(let items):
      guard accept(items.tag, .seq, line: line, path: path) else { return nil }
      var list: [SettingsNode] = []
      for (index, item) in items.enumerated() {
        if let item = self.node(item, path: "\(path)[\(index)]", depth: depth + 1) { list.append(item) }
      }
      return SettingsNode(line: line, content: .list(list))
    case .mapping(let pairs):
      guard accept(pairs.tag, .map, line: line, path: path) else { return nil }
      return SettingsNode(line: line, content: .mapping(entries(pairs, path: path, depth: depth)))
    case .alias:
      // The parser follows aliases itself and should leave none.
      report.add(line: line, key: path, given: "an alias that was not followed", allowed: "a value")
      return nil
    }
  }

  private mutating func entries(_ pairs: Node.Mapping, path: String, depth: Int) -> [SettingsNode.Entry] {
    var entries: [SettingsNode.Entry] = []
    var merged: [SettingsNode.Entry] = []
    for (key, value) in pairs {
      guard case .scalar(let name) = key else {
        report.add(line: key.mark?.line, key: path, given: "a key that is no text", allowed: "names as keys")
        continue
      }
      let below = path.isEmpty ? name.string : "\(path).\(name.string)"
      guard let value = node(value, path: below, depth: depth + 1) else { continue }
      if name.string == "<<", name.style == .plain {
        merged += mergedEntries(value, path: below)
      } else {
        entries.append(SettingsNode.Entry(name: name.string, line: key.mark?.line ?? value.line, value: value))
      }
    }
    entries = refuseRepeated(entries, path: path)
    // What stands here beats what is merged, and of that the first beats the rest (the merge key of YAML 1.1).
    var names = Set(entries.map(\.name))
    return entries + merged.filter { names.insert($0.name).inserted }
  }

  /// The keys without those that had to be renamed, each of which the report tells of where it stands again.
  private func refuseRepeated(_ entries: [SettingsNode.Entry], path: String) -> [SettingsNode.Entry] {
    let names = entries.map { RepeatedKey.original($0.name) ?? $0.name }
    return entries.indices.compactMap { index in
      guard RepeatedKey.original(entries[index].name) != nil else { return entries[index] }
      let name = names[index]
      let again = entries.indices.first { $0 > index && names[$0] == name }.map { entries[$0].line }
      report.add(
        line: again ?? entries[index].line, key: path.isEmpty ? name : "\(path).\(name)",
        given: again == nil ? "the key again" : "the key again after line \(entries[index].line)",
        allowed: "each key once")
      return nil
    }
  }

  private func mergedEntries(_ value: SettingsNode, path: String) -> [SettingsNode.Entry] {
    let sources: [SettingsNode]
    if case .list(let items) = value.content { sources = items } else { sources = [value] }
    return sources.flatMap { source -> [SettingsNode.Entry] in
      if case .mapping(let entries) = source.content { return entries }
      report.add(line: source.line, key: path, given: source.given, allowed: "an alias of a mapping, or a list of them")
      return []
    }
  }

  private mutating func isWithinBounds(depth: Int, line: Int) -> Bool {
    nodes += 1
    if nodes <= Translation.maximumNodes, depth <= Translation.maximumDepth { return true }
    // Said once: everything that follows is only more of it.
    if !isExceeded {
      isExceeded = true
      let bounds = "\(Translation.maximumNodes) values, \(Translation.maximumDepth) deep, with aliases followed"
      report.add(line: line, key: "", given: "more values than can be meant, or deeper ones", allowed: bounds)
    }
    return false
  }

  private func accept(_ tag: Tag, _ usual: Tag.Name, line: Int, path: String) -> Bool {
    let name = Tag.Name(rawValue: tag.rawValue)
    if [.implicit, .nonSpecific, usual].contains(name) { return true }
    report.add(line: line, key: path, given: "the tag \(name.rawValue)", allowed: "values without tags")
    return false
  }
}
