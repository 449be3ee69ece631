import Streams
import Support
import Testing
import Wire

@testable import Gateway

@Suite struct SkipTests {
  /// Fails unless the events are those of the run, byte for byte, but for what gap events say.
  private func check(_ reader: SlowReader, of slow: SlowStream) throws {
    var last = UInt64(0)
    for event in reader.received.events {
      if event.type == Array("sluice.gap".utf8) {
        let gap = try #require(try JSONValue(parsing: event.data.span, maxDepth: 1).object)
        guard case .number(let from)? = gap["from"], case .number(let to)? = gap["to"] else {
          Issue.record("a gap says from where to where")
          return
        }
        #expect(UInt64(from) == last + 1 && from <= to && Received.sequence(event) == UInt64(to))
        last = UInt64(to)
      } else {
        #expect(Received.sequence(event) == last + 1)
        last += 1
        #expect(event == slow.events[Int(last) - 1])
      }
    }
    #expect(last == slow.stream.log.newest && reader.received.isWhole && reader.isEnded)
  }

  @Test func `a reader that takes nothing gets the rest of its event, what it misses, and the newest`() throws {
    let slow = try SlowStream(.skip)
    let reader = try slow.reader()
    reader.room = 100
    for number in 1...200 {
      slow.append("\(number) \(String(repeating: "x", count: 60))")
      slow.worker.turnEnded()
    }
    #expect(reader.reason == nil && slow.worker.counters.skippingReaders.value == 1)
    #expect(reader.bytes.count == 100 && !reader.received.isWhole)
    reader.take(1 << 20)
    let events = reader.received.events
    try #require(events.map(Received.sequence) == [1, 199, 200])
    #expect(events[1].type == Array("sluice.gap".utf8) && events[1].data == Array(#"{"from":2,"to":199}"#.utf8))
    #expect(events[0] == slow.events[0] && events[2] == slow.events[199])
    #expect(slow.worker.counters.skippedEvents.value == 198 && slow.stream.detourBytes == 0)
    // It is back on the log, and counted by what it got.
    slow.append("more")
    slow.worker.turnEnded()
    #expect(reader.received.events.count == 4 && reader.exchange?.record.events == 3)
    slow.end()
    try check(reader, of: slow)
  }

  @Test func `what is the last of a run is never skipped`() throws {
    let slow = try SlowStream(.skip)
    let reader = try slow.reader()
    for number in 1...500 {
      slow.append("\(number) \(String(repeating: "x", count: 60))")
      slow.worker.turnEnded()
    }
    slow.end()
    #expect(reader.reason == nil)
    reader.take(1 << 20)
    #expect(reader.received.events.map(Received.sequence) == [500, 501])
    #expect(reader.reason == .completed)
    try check(reader, of: slow)
  }

  @Test func `at streams.client_buffer it still gets everything, one event beyond it does not`() throws {
    for excess in [0, 1] {
      let slow = try SlowStream(.skip)
      let reader = try slow.reader()
      // The newest event does not count.
      while slow.stream.log.end.offset <= UInt64(SlowStream.clientBuffer) {
        slow.append(String(repeating: "x", count: 100))
      }
      if excess == 1 { slow.append("one more") }
      slow.worker.turnEnded()
      #expect(slow.worker.counters.skippingReaders.value == excess)
      reader.take(1 << 20)
      #expect((slow.worker.counters.skippedEvents.value > 0) == (excess == 1))
      slow.end()
      try check(reader, of: slow)
    }
  }

  @Test func `a feed says after which id events are missing`() throws {
    let slow = try SlowStream(.skip, isFeed: true)
    let reader = try slow.reader()
    reader.room = 1
    for number in 1...100 {
      slow.append(String(repeating: "x", count: 100), id: number % 2 == 0 ? nil : "own-\(number)")
      slow.worker.turnEnded()
    }
    reader.take(1 << 20)
    let events = reader.received.events
    #expect(events.count == 3 && events[0] == slow.events[0] && events[2] == slow.events[99])
    #expect(events[1].type == Array("sluice.gap".utf8))
    #expect(events[1].data == Array(#"{"from":"own-1","to":null}"#.utf8))
    #expect(!events[1].hasID, "whoever comes back with the id before it finds what the log has")
  }

  @Test(arguments: 1...40) func `over any history nothing is missing that is not told`(seed: UInt64) throws {
    var random = SplitMix(seed)
    let slow = try SlowStream(.skip, logBytes: 4096 + Int(random.next() % 60_000))
    let readers = try (0..<5).map { _ in try slow.reader() }
    for _ in 0..<300 {
      for _ in 0..<random.next() % 6 { slow.append(String(repeating: "x", count: Int(random.next() % 400))) }
      if random.next() % 4 > 0 { slow.worker.turnEnded() }
      for reader in readers.dropFirst() where random.next() % 3 == 0 { reader.take(Int(random.next() % 3000)) }
      let bound = SlowStream.clientBuffer + 2048
      #expect(slow.stream.detourBytes <= readers.count * bound)
    }
    slow.end()
    for reader in readers {
      while reader.reason == nil { reader.take(500) }
      #expect(reader.reason == .completed)
      try check(reader, of: slow)
    }
    slow.worker.turnEnded()
    #expect(slow.stream.detourBytes == 0)
  }
}
