import Bytes
import Testing
import Wire

@Suite struct QueryObjectTests {
  private func json(
    _ query: String, excluding: [String] = [], maxParameters: Int = 100
  ) throws(HTTPViolation) -> String {
    var output = Array("body=".utf8)
    try QueryObject.append(
      jsonOf: Array(query.utf8).span, excluding: excluding, maxParameters: maxParameters, to: &output)
    return String(output.text.dropFirst(5))
  }

  static let objects: [(String, String)] = [
    ("", "{}"),
    ("message=hello", #"{"message":"hello"}"#),
    ("message=hello+w%6Frld&n=1", #"{"message":"hello world","n":"1"}"#),
    ("a=1&b=2&a=3&c=4&a=5", #"{"a":["1","3","5"],"b":"2","c":"4"}"#),
    ("a", #"{"a":""}"#),
    ("a=", #"{"a":""}"#),
    ("=a", #"{"":"a"}"#),
    ("=", #"{"":""}"#),
    ("&&a=1&&b=2&", #"{"a":"1","b":"2"}"#),
    ("a=b=c", #"{"a":"b=c"}"#),
    ("a%3Db=c%26d", #"{"a=b":"c&d"}"#),
    ("%61=1&a=2", #"{"a":["1","2"]}"#),
    ("a=%", #"{"a":"%"}"#),
    ("a=%4", #"{"a":"%4"}"#),
    ("a=%zz%41", #"{"a":"%zzA"}"#),
    ("a=%2B+%20", #"{"a":"+  "}"#),
    ("a=%22%5C%0A%00", #"{"a":"\"\\\n\u0000"}"#),
    ("a=%E2%82%AC&b=%F0%9F%98%80", "{\"a\":\"\u{20AC}\",\"b\":\"\u{1F600}\"}"),
    ("a=%FF%E2%82", "{\"a\":\"\u{FFFD}\u{FFFD}\"}"),
    ("a=%EF%BB%BFx", "{\"a\":\"\u{FEFF}x\"}"),
    ("a;b=1", #"{"a;b":"1"}"#),
    ("__proto__=1&a[]=2&a[b]=3", #"{"__proto__":"1","a[]":"2","a[b]":"3"}"#),
  ]

  @Test(arguments: objects)
  func `a query becomes a flat object of strings`(query: String, object: String) throws {
    #expect(try json(query) == object)
  }

  @Test func `reserved names are left out however they are written`() throws {
    let query = "run=1&message=x&last%5Fevent_id=2&run=3&Run=4"
    #expect(try json(query, excluding: ["run", "last_event_id"]) == #"{"message":"x","Run":"4"}"#)
    #expect(try json("run=1", excluding: ["run"]) == "{}")
  }

  @Test func `exactly the allowed parameters pass and one more is refused`() throws {
    #expect(try json("a=1&a=2&b=3", maxParameters: 3) == #"{"a":["1","2"],"b":"3"}"#)
    #expect(throws: HTTPViolation.tooManyParameters(allowed: 2)) { try json("a=1&a=2&b=3", maxParameters: 2) }
    #expect(throws: HTTPViolation.tooManyParameters(allowed: 0)) {
      try json("run=1", excluding: ["run"], maxParameters: 0)
    }
    #expect(HTTPViolation.tooManyParameters(allowed: 2).status == 400)
    #expect(HTTPViolation.tooManyParameters(allowed: 2).reason.contains("2"))
  }

  @Test func `a refused query leaves what was written as it was`() {
    var output = Array("x".utf8)
    #expect(throws: HTTPViolation.self) {
      try QueryObject.append(jsonOf: Array("a&b".utf8).span, excluding: [], maxParameters: 1, to: &output)
    }
    #expect(output.text == "x")
  }

  @Test(arguments: [
    ("run=a%2Eb&run=c", "a.b"), ("x=1&r%75n=+", " "), ("run", ""), ("run=", ""), ("runs=1", nil), ("", nil),
    ("x=run", nil), ("run=%FF", "\u{FFFD}"),
  ])
  func `the first value of a name is found`(query: String, value: String?) {
    let found = QueryObject.value(of: "run", in: Array(query.utf8).span)
    #expect(found == value)
  }

  static let withoutRun: [(String, String)] = [
    ("", ""), ("run", ""), ("run=", ""), ("run=1", ""), ("run=1&run=2&run", ""), ("&run=1&&", ""),
    ("run=1&a=2", "a=2"), ("a=1&run=2&b=3", "a=1&b=3"), ("a=1&run=2", "a=1"), ("run=0&a=1&run=2&b=3&run", "a=1&b=3"),
    ("r%75n=1&%72%75%6E=2&a", "a"), ("ru%6e=x&a=%72un", "a=%72un"), ("run%00=1", "run%00=1"),
    ("Run=1&runs=2&ru=3&=run&a=run&xrun=4", "Run=1&runs=2&ru=3&=run&a=run&xrun=4"),
    ("b=%41+%2b&a=%zz&run=1&b=%FF&b=b=b&c", "b=%41+%2b&a=%zz&b=%FF&b=b=b&c"),
    ("a=1&&run=1&&b=2&", "a=1&b=2"), ("=&run=1&=", "=&="), ("a;run=1", "a;run=1"), ("run;a=1", "run;a=1"),
    ("run=1%26a=2", ""), ("a%26run=1", "a%26run=1"), ("run=run&a", "a"),
  ]

  @Test(arguments: withoutRun)
  func `a name is taken out of a query, the rest stays as it is`(query: String, rest: String) {
    let left = QueryObject.without("run", in: Array(query.utf8).span)
    #expect(left.text == rest)
    // There is nothing left to take out, and what is left means the same.
    let again = QueryObject.without("run", in: left.span)
    #expect(again == left)
    #expect(QueryObject.value(of: "run", in: left.span) == nil)
  }

  @Test(arguments: withoutRun)
  func `what is left of a query is what an object without the name holds`(query: String, rest: String) throws {
    #expect(try json(query, excluding: ["run"]) == json(rest))
  }
}

@Suite struct PercentTests {
  @Test(arguments: [
    ("a%20b+c", "a b+c", "a b c"), ("%41%4a%4A", "AJJ", "AJJ"), ("%", "%", "%"), ("%4", "%4", "%4"),
    ("%%41", "%A", "%A"), ("%2", "%2", "%2"), ("%2%42", "%2B", "%2B"), ("%2B", "+", "+"), ("", "", ""),
  ])
  func `escapes are decoded and everything else stays`(text: String, plain: String, form: String) {
    var output: [UInt8] = []
    Percent.append(decoded: Array(text.utf8).span, plusIsSpace: false, to: &output)
    #expect(output.text == plain)
    output.removeAll()
    Percent.append(decoded: Array(text.utf8).span, plusIsSpace: true, to: &output)
    #expect(output.text == form)
  }

  @Test func `every byte survives being encoded`() {
    for byte in UInt8.min...UInt8.max {
      var encoded: [UInt8] = []
      Percent.append(encoded: byte, to: &encoded)
      #expect(encoded.count == 3)
      var decoded: [UInt8] = []
      Percent.append(decoded: encoded.span, plusIsSpace: true, to: &decoded)
      #expect(decoded == [byte])
    }
  }
}

@Suite struct MediaTypeTests {
  @Test(arguments: [
    ("text/event-stream", "text/event-stream"), ("Text/Event-Stream; charset=UTF-8", "text/event-stream"),
    ("application/json;charset=utf-8", "application/json"), (" text/plain ", "text/plain"),
    ("text/plain ;x", "text/plain"), ("application/vnd.api+json", "application/vnd.api+json"), ("*/*", "*/*"),
    ("", ""), ("text", ""), ("text/", ""), ("/plain", ""), ("text/a/b", ""), ("text /plain", ""), (";", ""),
    ("text/plain, text/html", ""), ("t\u{E9}xt/plain", ""),
  ])
  func `the essence of a media type is its type and subtype`(value: String, essence: String) {
    let found = MediaType.essence(of: Array(value.utf8).span)
    #expect(found == essence)
  }
}
