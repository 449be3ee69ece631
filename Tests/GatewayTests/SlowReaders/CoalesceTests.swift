import Settings
import Streams
import Support
import Testing
import Wire

@testable import Gateway

@Suite struct CoalesceTests {
  private static let rule = SlowReaders.coalesce(CoalescingSettings(text: JSONPath("delta")))

  private static func chunk(_ text: String) -> String { #"{"event":"response_chunk","delta":"\#(text)"}"# }

  /// What a page would show: texts joined, everything else in its place.
  private static func page(_ events: [StreamEvent]) throws -> [String] {
    var page = [""]
    for event in events {
      if event.type.isEmpty, let value = try? JSONValue(parsing: event.data.span, maxDepth: 2).object {
        page[page.count - 1] += String(decoding: value["delta"]?.string ?? [], as: UTF8.self)
      } else {
        page += ["\(String(decoding: event.type, as: UTF8.self)) \(String(decoding: event.data, as: UTF8.self))", ""]
      }
    }
    return page
  }

  @Test func `a reader that is too slow gets the texts in fewer events, and is back on the log once it has all`() throws
  {
    let slow = try SlowStream(Self.rule)
    let reader = try slow.reader()
    let fast = try slow.reader()
    fast.room = 1 << 30
    reader.room = 100
    slow.append("start", type: "routing_started")
    for number in 1...300 {
      if number == 150 { slow.append("between", type: "agent_execution_started") }
      slow.append(Self.chunk("\(number) "))
      slow.worker.turnEnded()
    }
    #expect(reader.reason == nil && slow.worker.counters.coalescedReaders.value == 1)
    reader.take(1 << 20)
    let events = reader.received.events
    #expect(try Self.page(events) == Self.page(slow.events) && reader.received.isWhole)
    #expect(events.count < 12 && Received.sequence(events.last ?? StreamEvent()) == slow.stream.log.newest)
    #expect(slow.worker.counters.mergedEvents.value == slow.events.count - events.count)
    #expect(Int(reader.exchange?.record.events ?? 0) == events.count)
    #expect(slow.stream.detourBytes == 0)
    slow.append(Self.chunk("a"))
    slow.append(Self.chunk("b"))
    slow.worker.turnEnded()
    #expect(reader.received.events.suffix(2) == slow.events.suffix(2))
    // Whoever is fast gets every byte as it was.
    #expect(fast.received.events == slow.events)
  }

  @Test func `a reader that takes turns with others of its connection gets nothing twice`() throws {
    let slow = try SlowStream(Self.rule)
    let reader = try slow.reader()
    reader.share = 50
    reader.room = 100
    for number in 1...300 {
      slow.append(Self.chunk("\(number) "))
      slow.worker.turnEnded()
    }
    #expect(slow.worker.counters.coalescedReaders.value == 1)
    reader.take(1 << 20)
    #expect(try Self.page(reader.received.events) == Self.page(slow.events) && reader.received.isWhole)
  }

  @Test func `one that takes nothing costs what it was promised, and is disconnected once the log has no more`() throws
  {
    let slow = try SlowStream(Self.rule)
    let readers = try (0..<10).map { _ in try slow.reader() }
    for reader in readers { reader.room = 10 }
    var largest = 0
    while readers.contains(where: { $0.reason == nil }) {
      slow.append(Self.chunk(String(repeating: "x", count: 100)))
      slow.worker.turnEnded()
      largest = max(largest, slow.stream.detourBytes)
      // The log does not grow for them.
      #expect(slow.stream.log.occupiedBytes <= 3 * 64 * 1024)
    }
    #expect(readers.allSatisfy { $0.reason == .slowReader })
    #expect(slow.worker.counters.disconnectedReaders.value == 10)
    #expect(largest > 0 && largest <= 10 * SlowStream.clientBuffer && slow.stream.detourBytes == 0)
  }

  @Test(arguments: 1...40)
  func `over any history the text is that of all chunks, with any pauses and resumes`(seed: UInt64) throws {
    var random = SplitMix(seed)
    let slow = try SlowStream(Self.rule, logBytes: 1 << 20)
    /// A client with the events of all its connections.
    struct Client {
      var reader: SlowReader
      var events: [StreamEvent] = []
    }
    var clients = try (0..<5).map { _ in Client(reader: try slow.reader()) }
    func resume(_ client: inout Client) throws {
      client.events += client.reader.received.events
      client.reader.abort(.clientClosed)
      client.reader = try slow.reader(after: client.events.last.map(Received.sequence) ?? 0)
    }
    for step in 0..<300 {
      for _ in 0..<random.next() % 8 {
        switch random.next() % 12 {
        case 0: slow.append("\(step)", type: "routing_completed")
        case 1: slow.append(Self.chunk(String(repeating: "y", count: Int(random.next() % 1000))))
        default: slow.append(Self.chunk("\(step)\\n\\u00e9 "))
        }
      }
      if random.next() % 4 > 0 { slow.worker.turnEnded() }
      for index in clients.indices.dropFirst() {
        if random.next() % 3 == 0 { clients[index].reader.take(Int(random.next() % 2000)) }
        if random.next() % 40 == 0 { try resume(&clients[index]) }
      }
      #expect(slow.stream.detourBytes <= clients.count * (Detour.fillBytes + 4096))
    }
    slow.end()
    let page = try Self.page(slow.events)
    for var client in clients {
      if random.next() % 2 == 0 { try resume(&client) }
      while client.reader.reason == nil { client.reader.take(700) }
      client.events += client.reader.received.events
      #expect(client.reader.reason == .completed && client.reader.isEnded)
      #expect(try Self.page(client.events) == page)
    }
    slow.worker.turnEnded()
    #expect(slow.stream.detourBytes == 0 && slow.worker.counters.coalescedReaders.value > 0)
  }
}
