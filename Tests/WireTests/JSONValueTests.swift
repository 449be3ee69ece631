import Bytes
import Support
import Testing
import Wire

@Suite struct JSONValueTests {
  private func value(_ text: String, maxDepth: Int = 8) throws(JSONViolation) -> JSONValue {
    try value(Array(text.utf8), maxDepth: maxDepth)
  }

  private func value(_ text: [UInt8], maxDepth: Int = 8) throws(JSONViolation) -> JSONValue {
    try JSONValue(parsing: text.span, maxDepth: maxDepth)
  }

  private func violation(_ text: String, maxDepth: Int = 8) -> JSONViolation? {
    do throws(JSONViolation) {
      _ = try value(text, maxDepth: maxDepth)
      return nil
    } catch {
      return error
    }
  }

  private static func text(_ text: String) -> JSONValue { .string(Array(text.utf8)) }

  static let simple: [(String, JSONValue)] = [
    ("null", .null), ("true", .flag(true)), ("false", .flag(false)), (" \t\r\n0\n", .number(0)),
    ("-0", .number(0)), ("12", .number(12)), ("-1.5", .number(-1.5)), ("1e3", .number(1000)), ("1E+3", .number(1000)),
    ("25e-1", .number(2.5)), ("1300819380", .number(1_300_819_380)),
    ("9007199254740993", .number(9_007_199_254_740_992)), ("1e308", .number(1e308)), ("1e-400", .number(0)),
    (#""""#, text("")), (#""a b""#, text("a b")), (#""\u0061\/\"\\\b\f\n\r\t""#, text("a/\"\\\u{8}\u{C}\n\r\t")),
    (#""\u0000""#, text("\0")), (#""\ud83d\uDE00 \u20ac""#, text("\u{1F600} \u{20AC}")),
    (#""\ufffd""#, text("\u{FFFD}")),
    ("\"\u{E9}\u{1F600}\u{7F}\"", text("\u{E9}\u{1F600}\u{7F}")),
    ("[]", .list([])), ("[ ]", .list([])), ("[1,[],\"x\"]", .list([.number(1), .list([]), text("x")])),
  ]

  @Test(arguments: simple)
  func `a value is read`(text: String, expected: JSONValue) throws {
    #expect(try value(text) == expected)
  }

  @Test func `an object keeps its members in order and finds them by name`() throws {
    let object = try #require(try value(#"{ "b" : {"a":1} , "\u0061":[true] ,"":null}"#).object)
    #expect(object.members.map(\.name) == ["b", "a", ""].map { Array($0.utf8) })
    #expect(object["a"] == .list([.flag(true)]))
    #expect(object["b"]?.object?["a"] == .number(1))
    #expect(object[""] == .null)
    #expect(object["c"] == nil)
    #expect(try value("{}").object?.members == [])
  }

  @Test func `a value is of one kind`() throws {
    #expect(try value("\"x\"").string == [0x78])
    #expect(try value("\"x\"").object == nil && value("\"x\"").list == nil)
    #expect(try value("[1]").list == [.number(1)])
    #expect(try value("[1]").object == nil && value("[1]").string == nil)
    #expect(try value("{}").list == nil && value("{}").string == nil)
  }

  static let broken = [
    "", " ", "nul", "nulll", "True", "'a'", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u00g0\"", "\"\\u00\"", "\"\\ud83\"",
    "\"\u{1}\"", "\"\n\"", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "[]x", "{\"a\"", "{\"a\":",
    "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":1]",
    "1 1", "{}{}", "01", "-01", "+1", "-", "1.", ".5", "1e", "1e+", "1.e3", "0x10", "1_000", "NaN", "Infinity",
    "-Infinity", "\u{FEFF}{}", "{}\0", "\0{}", "/**/1", "1//", "\u{A0}1",
  ]

  @Test(arguments: broken)
  func `what JSON does not have is refused`(text: String) {
    guard case .syntax(let position) = violation(text) else {
      Issue.record("taken or refused for another reason")
      return
    }
    #expect((0...text.utf8.count).contains(position))
  }

  @Test(arguments: [
    #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":2}"#, #"[{"x":{"":1,"":1}}]"#, #"{"a":{},"a":{}}"#,
  ])
  func `a name occurs once in an object, however it is written`(text: String) {
    guard case .repeatedName = violation(text) else {
      Issue.record("taken or refused for another reason")
      return
    }
  }

  @Test(arguments: [16, 17, 1000])
  func `a name among many is found to be repeated`(count: Int) throws {
    let members = (1...count).map { "\"n\($0)\":\($0)" }
    #expect(try value("{\(members.joined(separator: ","))}").object?.members.count == count)
    for repeated in [1, count / 2, count] {
      let text = "{\((members + ["\"n\(repeated)\":0"]).joined(separator: ","))}"
      #expect(violation(text) == .repeatedName(at: text.utf8.count))
    }
  }

  @Test func `names that only look the same are two`() throws {
    #expect(try value("{\"\u{E9}\":1,\"e\u{301}\":2,\"E\":3,\"e\":4}").object?.members.count == 4)
  }

  @Test(arguments: [
    #""\ud83d""#, #""\ude00""#, #""\ud83d\ud83d\ude00""#, #""\ud83dx\ude00""#, #""x\ud83d\n""#, #""\ude00\ud83d""#,
  ])
  func `half a surrogate pair is refused, because readers differ on it`(text: String) {
    #expect(violation(text) == .surrogate(at: 0))
    #expect(violation("{\(text):1}") == .surrogate(at: 1))
  }

  @Test func `a number has an end and a bound`() throws {
    let long = String(repeating: "1", count: 64)
    #expect(try value(long) != .null)
    for text in [long + "1", "1e309", "-1e309", "1e99999999999999999999", "0." + String(repeating: "0", count: 63)] {
      #expect(violation(text) == .number(at: 0))
      #expect(violation("[1,\(text)]") == .number(at: 3))
    }
  }

  @Test func `text is valid UTF-8 throughout`() {
    for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF4, 0x90, 0x80, 0x80]] {
      #expect(throws: JSONViolation.encoding(at: 1)) { try value([0x22] + bytes + [0x22]) }
      #expect(throws: JSONViolation.encoding(at: 2)) { try value([0x31, 0x20] + bytes) }
    }
  }

  @Test func `nesting is bounded`() throws {
    for (depth, open, close) in [(0, "[", "]"), (1, "{\"a\":", "}"), (8, "[", "]"), (64, "{\"a\":", "}")] {
      func nested(_ depth: Int) -> String {
        String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
      }
      #expect(try value(nested(depth), maxDepth: depth) != .null)
      #expect(violation(nested(depth + 1), maxDepth: depth) == .nesting(at: depth * open.utf8.count))
    }
    #expect(violation(String(repeating: "[", count: 1_000_000)) == .nesting(at: 8))
  }

  @Test func `a text that is cut anywhere is refused`() {
    let text = #"{"a": [1, {"b": "\u00e9"}], "event": "xyz", "n": -1.5e3, "t": true}"#
    for count in 0..<text.utf8.count { #expect(violation(String(text.prefix(count))) != nil) }
    #expect(violation(text) == nil)
  }

  @Test func `what this reader takes the scanner takes for the same`() throws {
    var random = SplitMix(11)
    let sound = Array(#"{"a": [1, {"b": "\u00e9\\"}], "n": -1.5e3, "\u0065vent": "x\"yz", "z": null}"#.utf8)
    var taken = 0
    for _ in 0..<20_000 {
      var text = sound
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        let byte = Array("\"\\{}[]:,u0e- \n\u{1}".utf8).randomElement(using: &random) ?? 0
        text[Int.random(in: text.indices, using: &random)] = byte
      }
      guard let object = try? value(text).object else { continue }
      taken += 1
      let range = JSONScanner.topLevelString(Array("event".utf8).span, of: text.span)
      let scanned = range.map { range in
        var bytes: [UInt8] = []
        JSONScanner.append(unescaped: text.span.extracting(range), to: &bytes)
        return bytes
      }
      #expect(object["event"]?.string == scanned)
    }
    #expect(taken > 1000)
  }

  @Test func `a violation says what is wrong and where`() {
    #expect("\(JSONViolation.syntax(at: 7))" == "broken JSON at byte 7")
    #expect("\(JSONViolation.repeatedName(at: 9))" == "an object with a name twice, ending at byte 9")
  }
}
