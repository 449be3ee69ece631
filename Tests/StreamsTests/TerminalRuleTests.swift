import Bytes
import Streams
import Testing

@Suite struct TerminalRuleTests {
  private let rule = TerminalRule(names: ["completed", "error"], field: "event")

  private func matches(_ type: String, _ data: String) -> Bool {
    rule.matches(type: Array(type.utf8).span, data: Array(data.utf8).span)
  }

  @Test(arguments: [
    ("completed", ""), ("error", "{}"), ("", #"{"event":"completed"}"#),
    ("", #"{"x":[1,{"event":"no"}],"event":"error"}"#),
    ("message", #" { "event" : "completed" } "#), ("", "[DONE]"), ("", #"{"event":"comp\u006ceted"}"#),
  ]) func `terminal`(_ type: String, _ data: String) {
    #expect(matches(type, data))
  }

  @Test(arguments: [
    ("", ""), ("response_chunk", "completed"), ("", #"{"event":"response_chunk","text":"completed"}"#),
    ("", #"{"inner":{"event":"completed"}}"#), ("", #"{"event":["completed"]}"#), ("", "[DONE] "), ("", "completed"),
    ("", #"{"Event":"completed"}"#), ("", #"{"event":"completed"#),
  ]) func `not terminal`(_ type: String, _ data: String) {
    #expect(!matches(type, data))
  }
}
