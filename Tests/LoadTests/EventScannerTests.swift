import Bytes
import Support
import Testing
import Wire

@testable import Load

@Suite struct EventScannerTests {
  private static let all: Interest = {
    var interest = Interest()
    interest.keepsID = true
    interest.terminals = [Array("completed".utf8), Array("error".utf8)]
    interest.sentTime = SentTime(field: "t", unit: .milliseconds, clock: .wall)
    return interest
  }()

  private func scan(_ pieces: [[UInt8]], _ interest: Interest = all) -> (events: [ScannedEvent], lastID: String) {
    var scanner = EventScanner()
    var events: [ScannedEvent] = []
    for piece in pieces { scanner.scan(piece.span, interest) { events.append($0) } }
    return (events, String(decoding: scanner.lastID, as: UTF8.self))
  }

  private func scan(_ text: String, _ interest: Interest = all) -> (events: [ScannedEvent], lastID: String) {
    scan([Array(text.utf8)], interest)
  }

  private static let stream =
    "\u{FEFF}: hello\nretry: 1500\nid: run.0\n\nevent: routing_started\ndata: {\"t\":12}\nid: run.1\n\n"
    + "data: a\r\ndata: b\r\n\r\ndata\n\nid: x\rdata:y\r\rdata: {\"a\":[\"t\"],\"event\":\"completed\",\"t\" : 7.25}\nid: run.2\n\n"
    + "event: sluice.busy\ndata: {\"limit\":\"six\"}\n\nevent: sluice.evicted\ndata: {\"x\":1,\ndata: \"limit\":\"a\\u0062\"}\n\n"
    + "data: [DONE]\n\n: hb\nevent: error\ndata: z\n\nid: run.9\n\ndata: unfinished"

  @Test func `events are found with type, id, sender's time and limit`() {
    let (events, lastID) = scan(Self.stream)
    #expect(
      events.map(\.kind) == [
        .place, .plain, .plain, .plain, .plain, .terminal, .busy, .evicted, .terminal, .terminal, .place,
      ])
    #expect(events.map { $0.mark?.sequence } == [0, 1, nil, nil, nil, 2, nil, nil, nil, nil, 9])
    #expect(events.map(\.sentNanoseconds) == [nil, 12_000_000, nil, nil, nil, 7_250_000] + [nil, nil, nil, nil, nil])
    #expect(events.compactMap(\.limit) == ["six", "ab"])
    #expect(lastID == "run.9")
  }

  @Test func `wherever the stream is cut in two or into single bytes, the events are the same`() {
    let bytes = Array(Self.stream.utf8)
    let whole = scan([bytes])
    for cut in bytes.indices {
      let parts = scan([Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(parts.events == whole.events && parts.lastID == whole.lastID, "cut at \(cut)")
    }
    let single = scan(bytes.map { [$0] })
    #expect(single.events == whole.events && single.lastID == whole.lastID)
  }

  @Test func `it counts as many events as the gateway's decoder, and the same last id, in random streams`() throws {
    var random = SplitMix(7)
    let parts = [
      "data", "data: x", ": c", "id: a.1", "id:", "event: e", "retry: 5", "retry: x", "", "", "dat", "data:", ":",
    ]
    for _ in 0..<400 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...30, using: &random) {
        bytes += Array(parts.randomElement(using: &random)!.utf8)
        bytes += Array(["\n", "\r", "\r\n"].randomElement(using: &random)!.utf8)
      }
      var decoder = SSEDecoder(maxEventBytes: 1 << 20)
      var offset = 0
      var count = 0
      var lastID: [UInt8]?
      while try decoder.next(in: bytes.span, at: &offset) {
        count += 1
        lastID = decoder.event.id
      }
      var scanner = EventScanner()
      var found = 0
      var atLast: [UInt8]?
      let cut = Int.random(in: 0...bytes.count, using: &random)
      for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] {
        scanner.scan(piece.span, Self.all) { event in found += event.kind == .place ? 0 : 1 }
        atLast = scanner.lastID
      }
      #expect(found == count)
      // An id may follow the last event without one.
      if let lastID, lastID.isEmpty == false { #expect(atLast == lastID || atLast == []) }
    }
  }

  @Test func `nothing is kept of data that nobody asks for, and a long line is still one event`() {
    var scanner = EventScanner()
    let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 60_000)
    var count = 0
    scanner.scan(Array("data: ".utf8).span, Interest()) { _ in count += 1 }
    for _ in 0..<100 { scanner.scan(piece.span, Interest()) { _ in count += 1 } }
    scanner.scan(Array("\nid: s.4\n\n".utf8).span, Interest()) { event in
      count += 1
      #expect(event.mark?.sequence == 4)
    }
    #expect(count == 1)
    #expect(scanner.lastID.isEmpty)
  }

  @Test func `comments are counted once, and retry is read`() {
    var scanner = EventScanner()
    scanner.scan(Array(": hb\n:\n: hb\nretry: 250\n".utf8).span, Interest()) { _ in }
    let counts = [scanner.takeComments(), scanner.takeComments()]
    #expect(counts == [3, 0])
    #expect(scanner.retryMilliseconds == 250)
  }

  @Test(arguments: [
    (#"{"t":1700000000123}"#, "ms", 1_700_000_000_123_000_000), (#"{"a":"\"t\":1","t":2}"#, "ns", 2),
    (#"{"x":"t","t": "5"}"#, "us", 5000), (#"{"m":{"t":1.5}}"#, "s", 1_500_000_000),
  ]) func `a sender's time is found`(data: String, unit: String, expected: UInt64) throws {
    let sent = SentTime(field: "t", unit: try #require(SentTime.Unit(rawValue: unit)), clock: .wall)
    #expect(sent.nanoseconds(in: Array(data.utf8).span) == expected)
  }

  @Test(arguments: [#"{"tt":1}"#, #"{"t":"x"}"#, #"{"t":null}"#, #""t""#, "", #"{"t":"#])
  func `where there is no time none is found`(data: String) {
    let sent = SentTime(field: "t", unit: .nanoseconds, clock: .wall)
    #expect(sent.nanoseconds(in: Array(data.utf8).span) == nil)
  }
}
