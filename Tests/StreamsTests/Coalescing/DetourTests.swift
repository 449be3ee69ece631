import Bytes
import Support
import Testing
import Wire

@testable import Streams

@Suite struct DetourTests {
  private let rule = CoalescerTests.rule()

  private func log(_ count: Int, _ data: (Int) -> String = { "\($0)" }) -> EventLog {
    let log = EventLog()
    for number in 1...count { log.append(event: CoalescerTests.event(number, data(number)).span, at: 0) }
    return log
  }

  @Test func `it begins with the rest of an event, and of all that was promised`() {
    let log = log(5)
    let second = log.cursor(after: 1)
    let length = Int(log.cursor(after: 2).offset - second.offset)
    for (skipped, promised, next) in [
      (0, 0, UInt64(2)), (1, 0, 3), (1, length - 1, 3), (1, length, 4), (length, 0, 3), (length - 1, 1, 3),
    ] {
      let place = Cursor(offset: second.offset + UInt64(skipped))
      let detour = Detour(from: place, promised: promised, in: log)
      #expect(detour.next == next)
      let bytes = detour.log.copy(from: Cursor(offset: 0), to: detour.log.end)
      #expect(bytes == log.copy(from: place, to: log.cursor(after: next - 1)))
    }
    let detour = Detour(from: log.end, promised: 0, in: log)
    #expect(detour.isTaken && detour.next == 6 && detour.occupiedBytes == 0)
  }

  @Test func `where the log has forgotten its place, it has all up to the oldest event`() {
    let log = log(10)
    let place = Cursor(offset: log.cursor(after: 2).offset + 3)
    log.trim(to: LogBounds(bytes: 1 << 20, events: 4, ageMilliseconds: 1000), at: 0)
    #expect(log.oldest == 7)
    let detour = Detour(from: place, promised: 5, in: log)
    #expect(detour.next == 7)
    let bytes = detour.log.copy(from: Cursor(offset: 0), to: detour.log.end)
    #expect(bytes == log.copy(from: place, to: log.start) && !bytes.isEmpty)
  }

  @Test func `what it takes at a time is bounded, however much there is`() {
    let log = log(5000) { _ in #"{"event":"other","delta":"\#(String(repeating: "x", count: 100))"}"# }
    var detour = Detour(from: Cursor(offset: 0), promised: 0, in: log)
    let largest = log.event(5000).count
    while detour.next <= log.newest {
      detour.cursor = detour.log.end
      #expect(detour.fill(from: log, merging: rule, maxEventBytes: 1 << 20) == 0)
      #expect(detour.occupiedBytes < Detour.fillBytes + largest && !detour.isTaken)
    }
  }

  @Test(arguments: [500, Detour.fillBytes, 1 << 20]) func `merged events are bounded too`(maxEventBytes: Int) throws {
    let log = log(5000) { _ in #"{"event":"response_chunk","delta":"0123456789"}"# }
    var detour = Detour(from: Cursor(offset: 0), promised: 0, in: log)
    var (merged, events, largest) = (UInt64(0), 0, 0)
    while detour.next <= log.newest {
      detour.cursor = detour.log.end
      merged += detour.fill(from: log, merging: rule, maxEventBytes: maxEventBytes)
      let bytes = detour.log.copy(from: Cursor(offset: 0), to: detour.log.end)
      for event in String(decoding: bytes, as: UTF8.self).split(separator: "\n\n") {
        events += 1
        largest = max(largest, event.utf8.count + 2)
      }
    }
    #expect(Int(merged) + events == 5000)
    let bound = min(maxEventBytes, Detour.fillBytes)
    #expect(largest <= bound && largest > bound - 60)
  }

  @Test func `events are passed over with a word`() {
    let log = log(5)
    var detour = Detour(from: Cursor(offset: 0), promised: 0, in: log)
    detour.cursor = detour.log.end
    detour.skip(to: 5, telling: Array("gap".utf8))
    #expect(detour.next == 5 && detour.log.copy(from: Cursor(offset: 0), to: detour.log.end) == Array("gap".utf8))
  }

  /// A text that a client has put together, and how far it is.
  private struct Reader {
    var text = ""
    var others: [String] = []
    var last: UInt64 = 0

    mutating func read(_ bytes: [UInt8]) throws {
      var decoder = SSEDecoder(maxEventBytes: 1 << 20)
      var offset = 0
      while try decoder.next(in: bytes.span, at: &offset) {
        let event = decoder.event
        last = UInt64(String(decoding: event.id, as: UTF8.self).dropFirst(2)) ?? 0
        let value = try JSONValue(parsing: event.data.span, maxDepth: 8)
        if value.object?["event"]?.string == Array("response_chunk".utf8) {
          text += String(decoding: value.object?["delta"]?.string ?? [], as: UTF8.self)
        } else {
          others.append("\(text.unicodeScalars.count) \(String(decoding: event.data, as: UTF8.self))")
        }
      }
    }
  }

  @Test(arguments: 1...200)
  func `over any history, with any cuts and resumes, the text and everything between is that of all events`(
    seed: UInt64
  ) throws {
    var random = SplitMix(seed)
    let log = EventLog()
    var (expected, actual) = (Reader(), Reader())
    func grow() throws {
      for _ in 0..<random.next() % 40 {
        let text = ["", "a", "ü", "\n", "\"\\", "😀", "\u{1}", "}]"].randomElement(using: &random) ?? ""
        var quoted: [UInt8] = []
        JSONScanner.append(quoted: Array(text.utf8).span, to: &quoted)
        let kind = random.next() % 8 == 0 ? "other" : "response_chunk"
        let at = random.next() % 5 == 0 ? #","n":\#(random.next() % 3)"# : ""
        let json = #"{"event":"\#(kind)","delta":\#(String(decoding: quoted, as: UTF8.self))\#(at)}"#
        let event = CoalescerTests.event(Int(log.newest + 1), json)
        log.append(event: event.span, at: 0)
        try expected.read(event)
      }
    }
    while log.newest < 400 {
      try grow()
      // A reader comes, is slow from some place on, takes a part, and is cut where that ends.
      var place = log.cursor(after: actual.last)
      var received: [UInt8] = []
      let direct = random.next() % (log.end.offset - place.offset + 1)
      received += log.copy(from: place, to: Cursor(offset: place.offset + direct))
      place.offset += direct
      let promised = min(random.next() % 50, log.end.offset - place.offset)
      var detour = Detour(from: place, promised: Int(promised), in: log)
      for _ in 0..<random.next() % 4 {
        received += detour.log.copy(from: Cursor(offset: 0), to: detour.log.end)
        detour.cursor = detour.log.end
        if random.next() % 2 == 0 { try grow() }
        _ = detour.fill(from: log, merging: rule, maxEventBytes: 200 + Int(random.next() % 2000))
      }
      let rest = detour.log.copy(from: Cursor(offset: 0), to: detour.log.end)
      received += rest.prefix(Int(random.next() % UInt64(rest.count + 1)))
      // What a client has of an event that did not end counts for nothing.
      try actual.read(received)
    }
    try actual.read(log.copy(from: log.cursor(after: actual.last), to: log.end))
    #expect(actual.text == expected.text && actual.others == expected.others && actual.last == log.newest)
  }
}
