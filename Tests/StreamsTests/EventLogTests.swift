import Bytes
import Streams
import Testing

private func contents(_ log: EventLog, from cursor: Cursor) -> [UInt8] {
  var bytes: [UInt8] = []
  log.lend(from: cursor) { segment, position in
    unsafe bytes.append(contentsOf: segment.bytes(from: position))
    return true
  }
  return bytes
}

@Suite struct EventLogTests {
  @Test func `what was appended is lent from any place`() {
    let log = EventLog()
    var all: [UInt8] = []
    for size in [1, 100, 4095, 4096, 4097, 20_000, 70_000, 200_000, 3] {
      let event = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ size) }
      log.append(event: event.span, at: 0)
      all += event
    }
    #expect(log.end.offset == UInt64(all.count))
    #expect(log.newest == 9)
    for place in stride(from: 0, to: all.count, by: 997) {
      #expect(contents(log, from: Cursor(offset: UInt64(place))) == Array(all[place...]))
    }
    #expect(contents(log, from: log.end).isEmpty)
  }

  @Test func `lending stops when the body has enough`() {
    let log = EventLog()
    log.append(event: [UInt8](repeating: 1, count: 300_000).span, at: 0)
    var calls = 0
    log.lend(from: log.start) { _, _ in
      calls += 1
      return calls < 2
    }
    #expect(calls == 2)
  }

  @Test func `memory stays flat while readers keep up`() {
    let log = EventLog()
    let event = [UInt8](repeating: 7, count: 260)
    var most = 0
    for _ in 0..<100_000 {
      log.append(event: event.span, at: 0)
      log.trim(before: log.end)
      log.release(before: log.end)
      most = max(most, log.occupiedBytes)
    }
    #expect(most <= 2 * 4096)
  }

  @Test func `what a reader still needs is never released`() {
    let log = EventLog()
    for _ in 0..<1000 { log.append(event: [UInt8](repeating: 7, count: 260).span, at: 0) }
    let place = Cursor(offset: 100_001)
    log.trim(to: LogBounds(bytes: 1000, events: 10, ageMilliseconds: 1000), at: 0)
    log.release(before: place)
    #expect(log.start > place, "the event is not kept, but a reader still gets it")
    #expect(contents(log, from: place).count == 260_000 - 100_001)
    log.release(before: log.end)
    #expect(log.occupiedBytes <= 128 * 1024)
    #expect(contents(log, from: log.start).count == 260 * 3)
  }
}
