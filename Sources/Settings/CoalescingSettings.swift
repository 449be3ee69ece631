public import Wire

/// Which events of a route are chunks of one text.
///
/// Two chunks become one only where all else is the same in both.
public struct CoalescingSettings: Sendable, Equatable {
  /// The type of the chunks, by their event field or `streams.terminal_field`; at most 128 bytes.
  public var type: String
  /// Where the text stands in their JSON; `nil` where all of their data is text.
  public var text: JSONPath?
  /// Members of the outermost object that may differ; a merged event has those of the last one; at most 16.
  public var latest: [String]

  /// Puts the settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - type: the type of the chunks.
  ///   - text: where the text stands in their JSON.
  ///   - latest: members that may differ.
  public init(type: String = "response_chunk", text: JSONPath? = standardText, latest: [String] = []) {
    self.type = type
    self.text = text
    self.latest = latest
  }

  /// Where the text stands where the file says nothing.
  public static let standardText = JSONPath("response_data.raw_response.parts[0].text")
}

extension CoalescingSettings {
  private enum Kind: String, CaseIterable {
    case json, text
  }

  init(_ reader: SettingsReader) {
    let name = "a name of 1 to 128 bytes without control characters"
    let standard = CoalescingSettings()
    let type = reader.text(
      "type", default: standard.type, allowed: name, "The type of the chunks, by their event field or terminal_field."
    ) { StreamSettings.isName($0) ? $0 : nil }
    let kind: Kind = reader.choice("data", default: .json, "Whether their data is JSON, or nothing but text.")
    let text = reader.text(
      "text", default: standard.text.map(\.description) ?? "",
      allowed: "a path of at most 256 bytes such as choices[0].delta.content, each [0] the only item of its array",
      "Where the text stands in JSON; all else must be the same in both chunks."
    ) { $0.utf8.count <= 256 ? JSONPath($0).map(\.description) : nil }
    let latest = reader.values(
      "latest", default: [String](), count: 0...16, allowed: name,
      "Members of the outermost object that may differ; a merged event has those of the last one."
    ) { (text: String) throws(Mismatch) -> String in
      guard StreamSettings.isName(text) else { throw Mismatch(name) }
      return text
    }
    self.init(type: type, text: kind == .json ? JSONPath(text) : nil, latest: latest)
    guard reader.isClean else { return }
    if kind == .text, reader.has("text") {
      reader.refuse("text", given: "a path with data text", allowed: "a path only where data is json")
    }
    if let first = self.text?.first, latest.contains(first) {
      reader.refuse("latest", given: "\"\(first)\"", allowed: "members through which text does not lead")
    }
  }
}
