internal import Bytes
public import Wire

/// Which events are chunks of one text, so that several may be made one for a reader that is too slow for all of them.
///
/// Three shapes are known: the route's own, artifact updates of the A2A protocol, and chunks of an OpenAI chat completion.
/// An event that is not exactly so stays as it is.
public struct CoalescingRule: Sendable {
  /// Where the text stands in the data of the route's own chunks.
  public enum Place: Sendable, Equatable {
    /// The data is the text.
    case data
    /// In JSON, at this path.
    case member(JSONPath)
  }

  private let type: [UInt8]
  private let isPlain: Bool
  /// The route's own, for an event with the type and for one that has none beside its data.
  private let typed: JSONPattern?
  private let untyped: JSONPattern?
  private let known: [JSONPattern]

  /// A rule for the route's own chunks and the two shapes that are always known.
  ///
  /// - Parameters:
  ///   - type: the type of the route's own chunks.
  ///   - field: the JSON member of data that names the type where the event has none.
  ///   - place: where the text stands.
  ///   - latest: members of the outermost object that may differ; a merged event has those of the last one.
  public init(type: String, field: String, place: Place, latest: [String] = []) {
    self.type = Array(type.utf8)
    let varying = latest.map { JSONPattern.Member($0, .varying, isOptional: true) }
    known = Self.openAI(varying) + Self.artifacts(varying)
    guard case .member(let path) = place else {
      (isPlain, typed, untyped) = (true, nil, nil)
      return
    }
    isPlain = false
    typed = path.pattern(beside: varying)
    untyped = path.pattern(beside: varying + [JSONPattern.Member(field, .string(Array(type.utf8)))])
  }

  /// Where the parts of a chunk are; `nil` for an event that is none.
  func chunk(_ event: Span<UInt8>) -> Chunk? {
    guard let parts = EncodedEvent(event) else { return nil }
    let hasType = !parts.type.isEmpty
    if hasType, !event.extracting(parts.type).equals(type.span) { return nil }
    if isPlain, hasType { return Chunk(text: parts.data, in: parts) }
    guard parts.isOneLine else { return nil }
    let data = event.extracting(parts.data)
    if let own = hasType ? typed : untyped, let match = own.match(data) { return Chunk(match, in: parts) }
    for pattern in known {
      if let match = pattern.match(data) { return Chunk(match, in: parts) }
    }
    return nil
  }
}

// The shapes of others.
extension CoalescingRule {
  /// `choices[0].delta.content` of a chat completion chunk with one choice, of which nothing else grows.
  private static func openAI(_ varying: [JSONPattern.Member]) -> [JSONPattern] {
    let delta = JSONPattern.object(
      [.init("content", .text), .init("role", .same, isOptional: true)], others: .null)
    let choice = JSONPattern.object([.init("index", .same), .init("delta", delta)], others: .null)
    // What pads a chunk against those who listen to its length means nothing.
    let padding = JSONPattern.Member("obfuscation", .varying, isOptional: true)
    let members: [JSONPattern.Member] = [
      .init("object", .string(Array("chat.completion.chunk".utf8))), .init("choices", .single(choice)),
    ]
    return [.object(members + [padding] + varying.filter { $0.name != padding.name }, others: .same)]
  }

  /// An update that appends one text part to an artifact, alone or within an answer of JSON-RPC.
  ///
  /// One that does not append replaces what was there, and the last one ends it: neither is merged.
  private static func artifacts(_ varying: [JSONPattern.Member]) -> [JSONPattern] {
    let part = JSONPattern.object(
      [.init("kind", .string(Array("text".utf8)), isOptional: true), .init("text", .text)], others: .null)
    let artifact = JSONPattern.object([.init("artifactId", .same), .init("parts", .single(part))], others: .same)
    let members: [JSONPattern.Member] = [
      .init("artifact", artifact), .init("append", .flag(true)), .init("lastChunk", .flag(false), isOptional: true),
    ]
    let kind = JSONPattern.Member("kind", .string(Array("artifact-update".utf8)))
    let update = JSONPattern.object(members, others: .same)
    let wrapped = JSONPattern.Member("artifactUpdate", update)
    return [
      .object([.init("result", .object(members + [kind], others: .same))] + varying, others: .same),
      .object([.init("result", .object([wrapped], others: .null))] + varying, others: .same),
      .object([wrapped] + varying, others: .same),
      .object(members + [kind] + varying, others: .same),
    ]
  }
}
