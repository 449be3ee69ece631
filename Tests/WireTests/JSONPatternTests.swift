import Bytes
import Testing
import Wire

@Suite struct JSONPatternTests {
  private static let pattern = JSONPattern.object(
    [
      .init("kind", .string(Array("chunk".utf8))), .init("at", .varying, isOptional: true),
      .init("parts", .single(.object([.init("text", .text)], others: .null))), .init("last", .flag(false)),
    ], others: .same)

  /// The texts at the places of a match, the joined one in brackets.
  private func places(_ json: String, _ pattern: JSONPattern = Self.pattern) -> [String]? {
    let text = Array(json.utf8)
    return pattern.match(text.span).map { match in
      match.places.enumerated().map { index, range in
        let place = String(decoding: text[range], as: UTF8.self)
        return index == match.text ? "[\(place)]" : place
      }
    }
  }

  @Test(arguments: [
    (#"{"kind":"chunk","parts":[{"text":"a\n"}],"last":false}"#, ["[a\\n]"]),
    (#" { "last" : false , "at" : 12.5 , "parts" : [ { "text" : "" } ] , "kind" : "\u0063hunk" } "#, ["12.5", "[]"]),
    (
      #"{"kind":"chunk","parts":[{"text":"a","x":null}],"last":false,"at":{"b":["}"]},"n":[1]}"#,
      ["[a]", #"{"b":["}"]}"#]
    ),
    (#"{"kind":"chunk","p\u0061rts":[{"text":"ü\"\\"}],"last":false,"n":1,"n":2}"#, [#"[ü\"\\]"#]),
  ]) func `matches`(_ json: String, _ expected: [String]) {
    #expect(places(json) == expected)
  }

  @Test(arguments: [
    "", "{}", "[]", "null", #""a""#,
    #"{"kind":"chunk","parts":[{"text":"a"}],"last":true}"#,
    #"{"kind":"chunk","parts":[{"text":"a"}],"last":null}"#,
    #"{"kind":"chunk","parts":[{"text":"a"}]}"#,
    #"{"kind":"other","parts":[{"text":"a"}],"last":false}"#,
    #"{"kind":"chunk","parts":[{"text":"a"},{"text":"b"}],"last":false}"#,
    #"{"kind":"chunk","parts":[],"last":false}"#,
    #"{"kind":"chunk","parts":[{"text":7}],"last":false}"#,
    #"{"kind":"chunk","parts":[{"text":"a","x":1}],"last":false}"#,
    #"{"kind":"chunk","parts":[{"text":"a","text":"b"}],"last":false}"#,
    #"{"kind":"chunk","parts":[{"text":"a"}],"last":false,"p\u0061rts":[{"text":"a"}]}"#,
    #"{"kind":"chunk","parts":[{"text":"a"}],"last":false} x"#,
    #"{"kind":"chunk","parts":[{"text":"a"}],"last":false"#,
    #"{"kind":"chunk","parts":[{"text":"a\q"}],"last":false}"#,
    #"{"kind":"chunk","parts":[{"text":"a"}],"last":false,}"#,
  ]) func `does not match`(_ json: String) {
    #expect(places(json) == nil)
  }

  @Test func `a pattern without a text, or with two, matches nothing`() {
    #expect(places(#"{"a":"b"}"#, .object([], others: .same)) == nil)
    #expect(places(#"{"a":"b"}"#, .object([.init("a", .text)], others: .same)) == ["[b]"])
    #expect(
      places(#"{"a":"b","c":"d"}"#, .object([.init("a", .text), .init("c", .text)], others: .same)) == nil)
  }

  @Test(arguments: [
    (#"a\ud83d"#, #"\ude00"#, false), (#"\uD83D"#, #"\uDE00b"#, false), (#"\uD83D"#, "b", true),
    (#"a\ud83d\ude00"#, #"\ud83d\ude00"#, true), ("a", #"\ude00"#, true), ("", "", true),
    (#"\u0064abcdef"#, #"\ude00"#, true),
  ]) func `halves of a surrogate pair are not joined`(_ left: String, _ right: String, _ joins: Bool) {
    #expect(JSONScanner.joins(Array(left.utf8).span, Array(right.utf8).span) == joins)
  }
}
