import Bytes
import Support
import Testing
import Wire

@Suite struct JSONScannerTests {
  private func string(_ name: String, of text: String) -> String? {
    let bytes = Array(text.utf8)
    return JSONScanner.topLevelString(Array(name.utf8).span, of: bytes.span).map { Array(bytes[$0]).text }
  }

  static let found: [(String, String)] = [
    (#"{"event":"completed"}"#, "completed"),
    (" \t\r\n{ \"event\" : \"completed\" , \"x\" : 1 } ", "completed"),
    (#"{"a":1,"b":-0.5e+10,"c":true,"d":false,"e":null,"event":"x"}"#, "x"),
    (#"{"a":{"event":"inner","b":[{"event":"deep"}]},"event":"outer"}"#, "outer"),
    (#"{"a":"}\"]","b":["]","}"],"event":"x"}"#, "x"),
    (#"{"event":"first","event":"second"}"#, "first"),
    (#"{"\u0065v\u0065nt":"x"}"#, "x"),
    (#"{"event":""}"#, ""),
    (#"{"event":"a\"b\\c\u00e9"}"#, #"a\"b\\c\u00e9"#),
    (#"{"event":"x" then anything"#, "x"),
    (#"{"Event":"no","events":"no","even":"no","event":"yes"}"#, "yes"),
    (#"{"":"x","event":"y"}"#, "y"),
    (#"{"a":[],"b":{},"event":"y"}"#, "y"),
    (#"{"a":0,"b":10,"c":1E5,"d":1e-5,"event":"y"}"#, "y"),
  ]

  @Test(arguments: found)
  func `the first member of the name at the top level is found`(text: String, value: String) {
    #expect(string("event", of: text) == value)
  }

  static let absent = [
    "", "   ", "null", "[]", "\"event\"", "{}", "{", #"{"event""#, #"{"event":"#, #"{"event":"x"#, #"{"event":"x\"}"#,
    #"{"event":1,"event":"x"}"#, #"{"event":null}"#, #"{"event":{"event":"x"}}"#, #"{"event":["x"]}"#,
    #"["event","x"]"#, #"{"a":{"event":"x"}}"#, #"{event:"x"}"#, #"{'event':'x'}"#, #"{"event" "x"}"#,
    #"{"a":1 "event":"x"}"#, #"{"a":,"event":"x"}"#, #"{"a":1,,"event":"x"}"#, #"{,"event":"x"}"#,
    #"{"a":tru,"event":"x"}"#, #"{"a":01,"event":"x"}"#, #"{"a":1.,"event":"x"}"#, #"{"a":.5,"event":"x"}"#,
    #"{"a":1e,"event":"x"}"#, #"{"a":+1,"event":"x"}"#, #"{"a":-,"event":"x"}"#, #"{"a":NaN,"event":"x"}"#,
    #"{"a":[,"event":"x"}"#, #"{"a":"\x","event":"x"}"#, #"{"a":"\u00g0","event":"x"}"#, #"{"a":"\u00","event":"x"}"#,
    "{\"a\":\"\n\",\"event\":\"x\"}", "{\"event\":\"a\u{1}b\"}", "\u{FEFF}{\"event\":\"x\"}", #"x{"event":"x"}"#,
    #"{"a":]"event":"x"}"#,
  ]

  @Test(arguments: absent)
  func `anything else is not found`(text: String) {
    #expect(string("event", of: text) == nil)
  }

  @Test func `a text that is cut anywhere before the end of the string is not found`() {
    let text = #"{"a": [1, {"b": "\u00e9"}], "event": "xyz"}"#
    for count in 0..<(text.count - 1) { #expect(string("event", of: String(text.prefix(count))) == nil) }
    #expect(string("event", of: String(text.dropLast())) == "xyz")
  }

  @Test func `what is found in damaged text lies within it and ends in a quotation mark`() {
    var random = SplitMix(5)
    let sound = Array(#"{"a": [1, {"b": "\u00e9\\"}], "n": -1.5e3, "\u0065vent": "x\"yz", "z": null}"#.utf8)
    var found = 0
    for _ in 0..<20_000 {
      var text = sound
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let byte = Array("\"\\{}[]:,u0e- \n\u{1}".utf8).randomElement(using: &random) ?? 0
        text[Int.random(in: text.indices, using: &random)] = byte
      }
      guard let range = JSONScanner.topLevelString(Array("event".utf8).span, of: text.span) else { continue }
      found += 1
      #expect(text[range.lowerBound - 1] == UInt8(ascii: "\"") && text[range.upperBound] == UInt8(ascii: "\""))
    }
    #expect(found > 1000)
  }

  @Test func `hostile nesting is passed without recursion`() {
    let depth = 1_000_000
    let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(string("event", of: #"{"a":"# + deep + #","event":"x"}"#) == "x")
    #expect(string("event", of: #"{"a":"# + String(repeating: "{", count: depth)) == nil)
  }

  static let equal: [(String, String)] = [
    ("abc", "abc"), ("", ""), (#"\u0061bc"#, "abc"), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#"\u20aC"#, "\u{20AC}"), (#"\ud83D\ude00"#, "\u{1F600}"), (#"\ud83d"#, "\u{FFFD}"), (#"\ude00x"#, "\u{FFFD}x"),
    (#"\ud83d\u0061"#, "\u{FFFD}a"), (#"\ud83d\ud83d\ude00"#, "\u{FFFD}\u{1F600}"), (#"\u0000"#, "\0"),
    ("\u{E9}", "\u{E9}"),
  ]

  @Test(arguments: equal)
  func `an escaped string equals what it stands for`(raw: String, value: String) {
    let rawBytes = Array(raw.utf8)
    let same = JSONScanner.stringEquals(rawBytes.span, Array(value.utf8).span)
    #expect(same)
    let other = JSONScanner.stringEquals(rawBytes.span, Array((value + "x").utf8).span)
    #expect(!other)
  }

  private func quoted(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    JSONScanner.append(quoted: bytes.span, to: &output)
    return output.text
  }

  @Test func `a string is quoted so that any parser reads it back`() {
    #expect(quoted(Array("a\"b\\c/\u{E9}\u{2028}".utf8)) == "\"a\\\"b\\\\c/\u{E9}\u{2028}\"")
    #expect(quoted(Array("\u{8}\u{C}\n\r\t\0\u{1F}\u{7F}".utf8)) == "\"\\b\\f\\n\\r\\t\\u0000\\u001f\u{7F}\"")
    #expect(quoted([0x61, 0xFF, 0x22, 0xE2, 0x82]) == "\"a\u{FFFD}\\\"\u{FFFD}\"")
    #expect(quoted([]) == "\"\"")
  }

  @Test func `what is quoted equals what it was`() {
    var random = SplitMix(9)
    for _ in 0..<500 {
      let value = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...127, using: &random) }
      let raw = Array(quoted(value).utf8.dropFirst().dropLast())
      let same = JSONScanner.stringEquals(raw.span, value.span)
      #expect(same, "\(value)")
      #expect(string("k", of: "{\"k\":\(quoted(value))}") == raw.text)
    }
  }
}
