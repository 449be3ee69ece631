import Bytes
import Testing
import Wire

/// Decodes bytes that arrive cut at the given places.
func decodeStream(
  _ bytes: [UInt8], cuts: [Int] = [], maxEventBytes: Int = 1 << 20
) throws(StreamViolation) -> (events: [StandardReading.Event], retry: Int?, sawAnyField: Bool) {
  var decoder = SSEDecoder(maxEventBytes: maxEventBytes)
  var events: [StandardReading.Event] = []
  var start = 0
  for end in cuts + [bytes.count] {
    let input = Array(bytes[start..<end])
    var offset = 0
    while try decoder.next(in: input.span, at: &offset) {
      let event = decoder.event
      events.append(
        StandardReading.Event(type: event.type.text, data: event.data.text, id: event.id.text, hasID: event.hasID))
    }
    #expect(offset == input.count)
    start = end
  }
  return (events, decoder.retry, decoder.sawAnyField)
}

@Suite struct SSEDecoderTests {
  private typealias Event = StandardReading.Event

  private func decode(_ text: String) throws -> [Event] {
    try decodeStream(Array(text.utf8)).events
  }

  private func data(_ text: String) throws -> [String] {
    try decode(text).map(\.data)
  }

  @Test func `a block of fields is an event`() throws {
    #expect(
      try decode("event: add\ndata: 73857293\nid: 7\n\n") == [
        Event(type: "add", data: "73857293", id: "7", hasID: true)
      ])
  }

  @Test func `the lines of data are joined by line feeds`() throws {
    #expect(try data("data: YHOO\ndata: +2\ndata: 10\n\n") == ["YHOO\n+2\n10"])
    #expect(try data("data\n\ndata\ndata\n\ndata:\n\ndata:test\n\n") == ["", "\n", "", "test"])
  }

  @Test func `an event without data is dropped with its type but its id stays`() throws {
    #expect(
      try decode("event: a\nid: 1\n\ndata: x\n\n") == [Event(data: "x", id: "1", hasID: false)])
  }

  @Test func `one leading space of a value is dropped`() throws {
    #expect(try data("data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\ndata: \n\n") == ["a", "a", " a", "\ta", ""])
  }

  @Test func `the byte order mark is dropped once at the start only`() throws {
    #expect(try data("\u{FEFF}data:1\n\n\u{FEFF}data:2\n\ndata:3\n\n") == ["1", "3"])
    #expect(try data("\u{FEFF}\u{FEFF}data:1\n\ndata:2\n\n") == ["2"])
    #expect(try data("\u{FEFF}\ndata:1\n\n") == ["1"])
    #expect(try data("\n\u{FEFF}data:1\n\n") == [])
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func `every line end is one`(end: String) throws {
    let text = ["data:1", "data:2", "", ":comment", "data:3", "", "", "data:4", "", ""].joined(separator: end)
    #expect(try data(text) == ["1\n2", "3", "4"])
  }

  @Test func `line ends may be mixed`() throws {
    #expect(try data("data:1\r\rdata:2\n\rdata:3\r\n\ndata:4\r\n\r\ndata:5\n\n") == ["1", "2", "3", "4", "5"])
    #expect(try data("data:test\r\ndata\ndata:test\r\n\r\n") == ["test\n\ntest"])
  }

  @Test func `comments and unknown fields are passed over`() throws {
    let text =
      "data: test\n:a\n: b\n::\n:\r:\n: data: x\ndata: test2\n\nfoo: bar\nDATA: x\n data: y\ndata : z\ndata\t:q\n\n"
    #expect(try data(text) == ["test\ntest2"])
  }

  @Test func `a field may have no colon`() throws {
    #expect(try decode("event\nid\ndata\n\n") == [Event(type: "", data: "", id: "", hasID: true)])
    #expect(try decode("id: 1\nid\ndata\n\n") == [Event(type: "", data: "", id: "", hasID: true)])
  }

  @Test func `an id that holds NUL is passed over`() throws {
    #expect(
      try decode("id: a\n\nid: b\0c\ndata: x\n\nid: \0\nid: d\ndata: y\n\n") == [
        Event(data: "x", id: "a"), Event(data: "y", id: "d", hasID: true),
      ])
  }

  @Test func `NUL in data and type is kept`() throws {
    #expect(try decode("event: a\0b\ndata: \0\n\n") == [Event(type: "a\0b", data: "\0")])
    #expect(try data("data\0: x\n\ndata: y\n\n") == ["y"])
  }

  @Test func `an id stays until another comes and an empty one resets it`() throws {
    #expect(
      try decode("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\ndata: d\n\n") == [
        Event(data: "a", id: "1", hasID: true), Event(data: "b", id: "1"), Event(data: "c", id: "", hasID: true),
        Event(data: "d", id: ""),
      ])
  }

  @Test(arguments: [
    ("retry: 1000\n", 1000), ("retry:0\n", 0), ("retry: 03\n", 3), ("retry\n", nil), ("retry: \n", nil),
    ("retry: 1000x\n", nil), ("retry: -1\n", nil), ("retry: +1\n", nil), ("retry:  1\n", nil), ("retry: 1 \n", nil),
    ("retry: 1.5\n", nil), ("retry: \u{661}\n", nil), ("retry: 5\nretry: x\n", 5), ("retry: 5\nretry: 6\n", 6),
    ("retry: 9223372036854775807\n", Int.max), ("retry: 9223372036854775808\n", Int.max),
    ("retry: 99999999999999999999999\n", Int.max), ("retry: 7", nil),
  ])
  func `the reconnection time is digits only`(text: String, retry: Int?) throws {
    #expect(try decodeStream(Array(text.utf8)).retry == retry)
  }

  @Test func `an event that the stream ends within is dropped`() throws {
    for text in ["data: x", "data: x\n", "data: x\r", "data: x\ndata: y\n", "data: x\n:"] {
      #expect(try data(text) == [], "\(text)")
    }
  }

  @Test func `an event is there as soon as its blank line begins to end`() throws {
    var decoder = SSEDecoder(maxEventBytes: 100)
    var offset = 0
    let isComplete = try decoder.next(in: Array("data: x\r\n\r".utf8).span, at: &offset)
    #expect(isComplete)
    offset = 0
    let isAnother = try decoder.next(in: Array("\ndata: y\n".utf8).span, at: &offset)
    #expect(!isAnother)
    offset = 0
    let isLast = try decoder.next(in: Array("\n".utf8).span, at: &offset)
    #expect(isLast)
    #expect(decoder.event.data.text == "y")
  }

  @Test func `invalid UTF-8 is replaced wherever it stands`() throws {
    let bytes =
      Array("event: ".utf8) + [0xFF] + Array("\nid: ".utf8) + [0xE2, 0x82] + Array("\ndata: a".utf8) + [0xF0, 0x9F]
      + Array("\ndata: ".utf8) + [0x98, 0x80] + Array("\n\n".utf8)
    #expect(
      try decodeStream(bytes).events == [
        Event(type: "\u{FFFD}", data: "a\u{FFFD}\n\u{FFFD}\u{FFFD}", id: "\u{FFFD}", hasID: true)
      ])
  }

  @Test func `only a field of the standard makes a stream look like one`() throws {
    #expect(try !decodeStream(Array("{\"error\": \"x\"}\n\n:c\n\nfoo: bar\n".utf8)).sawAnyField)
    for text in ["data\n", "event:\n", "id: \0\n", "retry: x\n"] {
      #expect(try decodeStream(Array(text.utf8)).sawAnyField == (text != "x"))
    }
  }

  @Test func `data and type and a line share one bound`() throws {
    let fitting = "event: 123\ndata: 4567\ndata: 1234567\n\ndata: 12\n\n"
    #expect(try decodeStream(Array(fitting.utf8), maxEventBytes: 20).events.count == 2)
    let bytes = Array(fitting.utf8)
    for cut in 0...bytes.count {
      let violation = #expect(throws: StreamViolation.self) {
        try decodeStream(bytes, cuts: [cut], maxEventBytes: 19)
      }
      #expect(violation == .eventTooLarge(givenAtLeast: 20, allowed: 19) || cut > 0)
    }
    #expect(StreamViolation.eventTooLarge(givenAtLeast: 20, allowed: 19).reason.contains("19"))
  }

  @Test func `an event that grows beyond its bound by being repaired is refused`() throws {
    for start in ["data: ", "id: ", "event: "] {
      let bytes = Array(start.utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0xFF] + Array("\ndata:\n\n".utf8)
      #expect(try decodeStream(bytes, maxEventBytes: 20).events.count == 1)
      #expect(throws: StreamViolation.self) { try decodeStream(bytes, maxEventBytes: 14) }
    }
  }

  @Test(arguments: ["data: ", ": ", "x", "id: ", "\u{FEFF}"])
  func `an endless line is refused`(start: String) throws {
    let bytes = Array(start.utf8) + [UInt8](repeating: 0x61, count: 500)
    #expect(throws: StreamViolation.self) {
      try decodeStream(bytes, cuts: Array(0..<bytes.count), maxEventBytes: 100)
    }
    #expect(throws: StreamViolation.self) { try decodeStream(bytes, maxEventBytes: 100) }
  }

  @Test func `a large buffer is given back after its event`() throws {
    var decoder = SSEDecoder(maxEventBytes: 1 << 20)
    let large = Array("data: \(String(repeating: "x", count: 100_000))\n\ndata: y\n\n".utf8)
    var offset = 0
    let isLarge = try decoder.next(in: large.span, at: &offset)
    #expect(isLarge && decoder.event.data.count == 100_000)
    let isSmall = try decoder.next(in: large.span, at: &offset)
    #expect(isSmall && decoder.event.data.capacity < 16_384)
  }
}
