import Streams
import Support
import Testing

@Suite struct RunRecordTests {
  private static let key = RunRecord.Key(principal: [1, 2, 3], text: "k–1", payload: [UInt8](repeating: 7, count: 32))

  private static func record(
    route: String = "chat.example.com/chat", principal: [UInt8] = [], key: RunRecord.Key? = nil, failure: String = "",
    oldest: UInt64 = 1, events: [[UInt8]] = []
  ) -> RunRecord {
    RunRecord(
      id: StreamID(), route: route, principal: principal, key: key, failure: failure, oldest: oldest, events: events)
  }

  /// One of every form, small enough to be tried byte by byte.
  private static let small = [
    record(route: ""), record(key: RunRecord.Key(principal: [], text: "", payload: [])),
    record(
      route: "/ä", principal: [0xFF, 0], key: key, failure: "drained", oldest: 300,
      events: [Array("data: 1\nid: x.300\n\n".utf8), [], [0xFE]]),
  ]

  @Test(arguments: small) func `a record reads back as it was written`(record: RunRecord) {
    #expect(RunRecord(record.bytes) == record)
  }

  @Test func `large fields, many events and the greatest numbers read back`() {
    let records = [
      Self.record(events: [[UInt8](repeating: 0x78, count: 3_000_000)]),
      Self.record(events: (0..<20_000).map { Array("data: \($0)\n\n".utf8) }),
      Self.record(route: String(repeating: "/é", count: 50_000), principal: [UInt8](repeating: 9, count: 70_000)),
      Self.record(oldest: UInt64.max, events: []), Self.record(oldest: UInt64.max - 2, events: [[], [1]]),
      Self.record(oldest: 1 << 40, events: [[1]]),
    ]
    for record in records { #expect(RunRecord(record.bytes) == record) }
  }

  @Test func `a record has the bytes that it always had`() {
    var bytes: [UInt8] = [0, 0, 0, 26]
    let record = Self.record(
      route: "/a", principal: [5], key: RunRecord.Key(principal: [], text: "k", payload: [6]), failure: "x",
      oldest: 0x0102, events: [[7, 8], []])
    bytes += record.id.text
    bytes += [0, 0, 0, 2, 0x2F, 0x61, 0, 0, 0, 1, 5]
    bytes += [1, 0, 0, 0, 0, 0, 0, 0, 1, 0x6B, 0, 0, 0, 1, 6]
    bytes += [0, 0, 0, 1, 0x78, 0, 0, 0, 0, 0, 0, 1, 2]
    bytes += [0, 0, 0, 2, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0]
    // A process reads what the one before it has written, which may be another version.
    #expect(record.bytes == bytes)
  }

  @Test(arguments: small) func `a part of a record is none, and neither is more than one`(record: RunRecord) {
    let bytes = record.bytes
    for count in bytes.indices { #expect(RunRecord(Array(bytes[..<count])) == nil) }
    #expect(RunRecord(bytes + [0]) == nil)
    #expect(RunRecord(bytes + bytes) == nil)
  }

  @Test(arguments: small) func `with one byte changed it is none, or another one that would be written so`(
    record: RunRecord
  ) {
    let bytes = record.bytes
    var wrong: [Int] = []
    for place in bytes.indices {
      for byte in UInt8.min...UInt8.max where byte != bytes[place] {
        var changed = bytes
        changed[place] = byte
        guard let other = RunRecord(changed) else { continue }
        if other == record || other.bytes != changed { wrong.append(place) }
      }
    }
    #expect(wrong == [])
  }

  @Test func `an event's sequence begins at one and ends before the greatest number`() {
    #expect(RunRecord(Self.record(oldest: 0).bytes) == nil)
    #expect(RunRecord(Self.record(oldest: UInt64.max, events: [[]]).bytes) == nil)
    #expect(RunRecord(Self.record(oldest: UInt64.max - 1, events: [[]]).bytes) != nil)
  }

  @Test(arguments: 1...300) func `whatever bytes there are, a record made of them would be written so`(seed: UInt64) {
    var random = SplitMix(seed)
    let noise = (0..<(random.next() % 400)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    #expect(RunRecord(noise) == nil)
    // Bytes of records, put together anew, come further than noise does.
    var mixed: [UInt8] = []
    for _ in 0..<(1 + random.next() % 4) {
      let part = Self.small[Int(random.next() % UInt64(Self.small.count))].bytes
      let start = Int(random.next() % UInt64(part.count))
      mixed += part[start..<(start + Int(random.next() % UInt64(part.count - start + 1)))]
      if random.next() % 3 == 0, !mixed.isEmpty {
        mixed[Int(random.next() % UInt64(mixed.count))] = UInt8(truncatingIfNeeded: random.next())
      }
    }
    if let record = RunRecord(mixed) { #expect(record.bytes == mixed) }
  }

  @Test func `a length that no memory could hold is refused at once`() {
    let id = StreamID().text
    for length: [UInt8] in [[0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 1, 0]] {
      #expect(RunRecord(length) == nil)
      #expect(RunRecord([0, 0, 0, 26] + id + length) == nil)
    }
    var bytes = Self.record().bytes
    bytes.replaceSubrange((bytes.count - 4)..., with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(RunRecord(bytes) == nil, "as many events as no file has")
  }
}
