import Bytes
import Testing
import Wire

@testable import Streams

@Suite struct CoalescerTests {
  static func event(_ number: Int, _ data: String, type: String = "") -> [UInt8] {
    var bytes: [UInt8] = []
    SSEEncoder.append(
      idPrefix: Array("r".utf8).span, sequence: UInt64(number), type: Array(type.utf8).span,
      data: Array(data.utf8).span, to: &bytes)
    return bytes
  }

  static func rule(_ place: CoalescingRule.Place? = nil, latest: [String] = []) -> CoalescingRule {
    let path = JSONPath("delta").map { CoalescingRule.Place.member($0) } ?? .data
    return CoalescingRule(type: "response_chunk", field: "event", place: place ?? path, latest: latest)
  }

  /// What becomes of events, each with its number as id: the data, and the id behind it.
  private func merged(
    _ events: [(type: String, data: String)], by rule: CoalescingRule = rule(), maxBytes: Int = 1000
  ) throws -> [String] {
    var coalescer = Coalescer(rule, maxBytes: maxBytes)
    for (index, event) in events.enumerated() {
      coalescer.append(Self.event(index + 1, event.data, type: event.type).span)
    }
    var decoder = SSEDecoder(maxEventBytes: 1 << 20)
    var offset = 0
    var shown: [String] = []
    while try decoder.next(in: coalescer.output.span, at: &offset) {
      let text = { String(decoding: $0 as [UInt8], as: UTF8.self) }
      shown.append("\(text(decoder.event.data)) \(text(decoder.event.id).dropFirst(2))")
    }
    #expect(Int(coalescer.mergedEvents) == events.count - shown.count)
    return shown
  }

  private func merged(
    _ data: [String], by rule: CoalescingRule = rule(), maxBytes: Int = 1000
  ) throws -> [String] {
    try merged(data.map { ("", $0) }, by: rule, maxBytes: maxBytes)
  }

  @Test func `chunks behind each other become one, with the id of the last`() throws {
    #expect(
      try merged([
        #"{"event":"routing_started"}"#, #"{"event":"response_chunk","delta":"a\n"}"#,
        #"{"event":"response_chunk","delta":"\"b\""}"#, #"{"event":"response_chunk","delta":""}"#,
        #"{"event":"other"}"#, #"{"event":"response_chunk","delta":"c"}"#, #"{"event":"completed"}"#,
      ]) == [
        #"{"event":"routing_started"} 1"#, #"{"event":"response_chunk","delta":"a\n\"b\""} 4"#, #"{"event":"other"} 5"#,
        #"{"event":"response_chunk","delta":"c"} 6"#, #"{"event":"completed"} 7"#,
      ])
  }

  @Test(arguments: [
    // Something else than the text differs, or grows with it.
    (#"{"event":"response_chunk","delta":"a","n":1}"#, #"{"event":"response_chunk","delta":"b","n":2}"#),
    (#"{"event":"response_chunk","delta":"a"}"#, #"{"event":"response_chunk","delta":"b" }"#),
    (#"{"event":"response_chunk","delta":"a"}"#, #"{"delta":"b","event":"response_chunk"}"#),
    (#"{"event":"response_chunk","delta":"a"}"#, #"{"event":"completed","delta":"b"}"#),
    (#"{"event":"response_chunk","delta":"a"}"#, #"{"event":"response_chunk","delta":"b","more":true}"#),
    (#"{"event":"response_chunk","delta":"\ud83d"}"#, #"{"event":"response_chunk","delta":"\ude00"}"#),
    (#"{"event":"response_chunk","delta":["a"]}"#, #"{"event":"response_chunk","delta":["a"]}"#),
    (#"{"event":"x","delta":"a"}"#, #"{"event":"x","delta":"a"}"#), (#"{"delta":"a"}"#, #"{"delta":"a"}"#),
    ("{\n\"event\":\"response_chunk\",\"delta\":\"a\"}", "{\n\"event\":\"response_chunk\",\"delta\":\"a\"}"),
    // Nothing that is known.
    ("a", "a"), ("[DONE]", "[DONE]"), ("", ""),
  ]) func `everything else stays as it is`(_ first: String, _ second: String) throws {
    #expect(try merged([first, second]) == ["\(first) 1", "\(second) 2"])
  }

  @Test func `the type may be the event's own`() throws {
    func chunk(_ text: String) -> (String, String) { ("response_chunk", #"{"delta":"\#(text)"}"#) }
    #expect(try merged([chunk("a"), chunk("b")]) == [#"{"delta":"ab"} 2"#])
    #expect(try merged([chunk("a"), ("response", #"{"delta":"b"}"#)]).count == 2)
    #expect(try merged([chunk("a"), ("", #"{"delta":"b"}"#)]).count == 2)
    #expect(try merged([("other", #"{"event":"response_chunk","delta":"b"}"#), chunk("a")]).count == 2)
  }

  @Test func `plain text is joined where the route says so, lines and all`() throws {
    let rule = Self.rule(.data)
    #expect(
      try merged([("response_chunk", "a\nb"), ("response_chunk", ""), ("response_chunk", "c\n")], by: rule)
        == ["a\nbc\n 3"])
    #expect(try merged([("", "a"), ("", "b")], by: rule) == ["a 1", "b 2"])
    #expect(try merged([("response_chunk", "a"), ("response_chunk", "b")]) == ["a 1", "b 2"])
  }

  @Test func `members of which the last one counts may differ, before and behind the text`() throws {
    let events = [("1", "a", "x"), ("22", "b", "yy"), ("", "c", "")].map {
      #"{"event":"response_chunk","at":"\#($0)","delta":"\#($1)","id":"\#($2)"}"#
    }
    #expect(try merged(events).count == 3)
    #expect(
      try merged(events, by: Self.rule(latest: ["at", "id", "no"]))
        == [#"{"event":"response_chunk","at":"","delta":"abc","id":""} 3"#])
  }

  @Test func `a merged event keeps its bound, at it and one beyond`() throws {
    let events = Array(repeating: #"{"event":"response_chunk","delta":"0123456789"}"#, count: 4)
    let twice = Self.event(2, #"{"event":"response_chunk","delta":"01234567890123456789"}"#).count
    #expect(try merged(events, maxBytes: twice).count == 2)
    #expect(try merged(events, maxBytes: twice - 1).count == 4)
  }
}

@Suite struct KnownShapeTests {
  private func isMerged(_ shape: (String) -> String) -> Bool {
    var coalescer = Coalescer(CoalescerTests.rule(), maxBytes: 10_000)
    for (index, text) in ["a", "b"].enumerated() {
      coalescer.append(CoalescerTests.event(index + 1, shape(text)).span)
    }
    let expected = CoalescerTests.event(2, shape("ab"))
    #expect(coalescer.mergedEvents == 0 || coalescer.output == expected)
    return coalescer.mergedEvents == 1
  }

  @Test func `chunks of an OpenAI chat completion are merged`() {
    func chunk(_ text: String, _ delta: String = "", _ choice: String = "", _ rest: String = "") -> String {
      #"{"id":"c-1","object":"chat.completion.chunk","created":7,"choices":[{"index":0,"delta":{"content":"\#(text)"\#(delta)},"#
        + #""logprobs":null,"finish_reason":null\#(choice)}]\#(rest)}"#
    }
    #expect(isMerged { chunk($0) })
    #expect(isMerged { chunk($0, #","role":"assistant","refusal":null"#, "", #","usage":null"#) })
    // What would be lost: tools and reasons grow as the text does, choices are texts of their own.
    #expect(!isMerged { chunk($0, #","tool_calls":[{"index":0,"function":{"arguments":"x"}}]"#) })
    #expect(!isMerged { chunk($0, #","reasoning_content":"x""#) })
    #expect(!isMerged { chunk($0, "", #","content_filter_results":{}"#) })
    #expect(!isMerged { chunk($0).replacing(#""logprobs":null"#, with: #""logprobs":{"content":[]}"#) })
    #expect(!isMerged { chunk($0).replacing("}]", with: #"},{"index":1,"delta":{"content":"x"}}]"#) })
    #expect(!isMerged { chunk($0).replacing(".chunk", with: "") })
  }

  @Test func `what pads chunks of OpenAI is the last one's`() {
    var coalescer = Coalescer(CoalescerTests.rule(), maxBytes: 10_000)
    for (index, padding) in ["xyz", "q"].enumerated() {
      let data =
        #"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"t"}}],"obfuscation":"\#(padding)"}"#
      coalescer.append(CoalescerTests.event(index + 1, data).span)
    }
    #expect(
      coalescer.output
        == CoalescerTests.event(
          2, #"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"tt"}}],"obfuscation":"q"}"#))
  }

  private static func update(_ text: String, kind: String, append: String = "true", more: String = "") -> String {
    #"{\#(kind)"taskId":"t","contextId":"c","artifact":{"artifactId":"a","parts":[{"kind":"text","text":"\#(text)"}]},"#
      + #""append":\#(append)\#(more)}"#
  }

  @Test(arguments: [
    (#""kind":"artifact-update","#, #"{"jsonrpc":"2.0","id":1,"result":"#, "}"),
    (#""kind":"artifact-update","#, "", ""),
    ("", #"{"jsonrpc":"2.0","id":1,"result":{"artifactUpdate":"#, "}}"), ("", #"{"artifactUpdate":"#, "}"),
  ]) func `artifact updates of A2A are merged`(_ kind: String, _ before: String, _ behind: String) {
    func shape(_ change: @escaping (String) -> String) -> (String) -> String {
      { before + change($0) + behind }
    }
    #expect(isMerged(shape { Self.update($0, kind: kind) }))
    #expect(isMerged(shape { Self.update($0, kind: kind, more: #","lastChunk":false"#) }))
    // One that does not append replaces what was there.
    #expect(!isMerged(shape { Self.update($0, kind: kind, append: "false") }))
    #expect(!isMerged(shape { Self.update($0, kind: kind, more: #","lastChunk":true"#) }))
    #expect(!isMerged(shape { Self.update($0, kind: kind).replacing("}]", with: #"},{"kind":"text","text":"x"}]"#) }))
    #expect(!isMerged(shape { Self.update($0, kind: kind).replacing(#""text","#, with: #""text","metadata":{},"#) }))
    if !kind.isEmpty {
      #expect(!isMerged(shape { Self.update($0, kind: #""kind":"status-update","#) }))
    }
  }

  @Test(arguments: [
    ("delta", true), ("a.b", true), ("choices[0].delta.content", true), ("a[0][0].b", true), ("", false), (".", false),
    ("a.", false), ("[0]", false), ("a[1]", false), ("a[0", false), ("a\"b", false), ("a\u{1}", false),
    (Array(repeating: "a", count: 16).joined(separator: "."), true),
    (Array(repeating: "a", count: 17).joined(separator: "."), false),
  ]) func `paths`(_ text: String, _ isPath: Bool) {
    #expect((JSONPath(text) != nil) == isPath)
    if isPath { #expect(JSONPath(text)?.description == text) }
  }
}
