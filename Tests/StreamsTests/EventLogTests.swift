import Bytes
import Streams
import Support
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

  @Test func `a log that goes on from an earlier one has its sequences`() {
    for first: UInt64 in [1, 2, 300, 1 << 40] {
      let log = EventLog(first: first)
      #expect(log.oldest == first && log.newest == first - 1)
      #expect(log.cursor(after: first - 1) == log.start)
      for number in 0..<5 { log.append(event: [UInt8(number), 0xA].span, at: 0) }
      #expect(log.oldest == first && log.newest == first + 4)
      for number in 0..<5 { #expect(log.event(first + UInt64(number)) == [UInt8(number), 0xA]) }
      #expect(contents(log, from: log.cursor(after: first + 3)) == [4, 0xA])
      log.trim(to: LogBounds(bytes: 1000, events: 2, ageMilliseconds: 1000), at: 0)
      #expect(log.oldest == first + 3 && log.newest == first + 4)
      #expect(log.event(first + 3) == [3, 0xA])
    }
  }

  @Test func `every kept event is given as it was appended, also across segments`() {
    var random = SplitMix(7)
    let log = EventLog()
    var events: [[UInt8]] = []
    for number in 0..<400 {
      let size = number % 50 == 49 ? 150_000 : Int(random.next() % 3000)
      let event = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
      events.append(event)
      log.append(event: event.span, at: 0)
    }
    for place in events.indices { #expect(log.event(UInt64(place) + 1) == events[place]) }
    log.trim(to: LogBounds(bytes: 400_000, events: 400, ageMilliseconds: 1000), at: 0)
    log.release(before: log.end)
    #expect(log.oldest > 1 && log.oldest < 400)
    for sequence in log.oldest...log.newest { #expect(log.event(sequence) == events[Int(sequence) - 1]) }
  }

  @Test(arguments: [0, 1, 260, 4095, 4096, 4097, 10_000, 150_000])
  func `a compact log has the same bytes, the same places, and no room that nothing takes`(size: Int) {
    let log = EventLog(first: 5)
    var all: [UInt8] = []
    for number in 0..<3 {
      let event = [UInt8](repeating: UInt8(number), count: size)
      all += event
      log.append(event: event.span, at: 0)
    }
    let reader = log.cursor(after: 5)
    let before = log.occupiedBytes
    log.compact()
    #expect(log.occupiedBytes == all.count && log.occupiedBytes <= before)
    #expect(contents(log, from: log.start) == all)
    #expect(contents(log, from: reader) == Array(all[size...]))
    #expect(log.end.offset == UInt64(all.count) && log.oldest == 5 && log.newest == 7)
    for place in stride(from: 0, through: all.count, by: 1021) {
      #expect(contents(log, from: Cursor(offset: UInt64(place))) == Array(all[place...]))
    }
    for number in 0..<3 { #expect(log.event(5 + UInt64(number)) == [UInt8](repeating: UInt8(number), count: size)) }
    // A run is pumped again for each reader that comes later.
    log.compact()
    #expect(log.occupiedBytes == all.count && contents(log, from: log.start) == all)
  }

  @Test func `a compact log is still given back`() {
    let log = EventLog()
    for _ in 0..<100 { log.append(event: [UInt8](repeating: 7, count: 260).span, at: 0) }
    log.compact()
    log.trim(before: log.end)
    log.release(before: Cursor(offset: 100))
    #expect(contents(log, from: Cursor(offset: 100)).count == 26_000 - 100)
    log.release(before: log.end)
    #expect(log.occupiedBytes == 0)
    #expect(contents(log, from: log.end).isEmpty)
    log.compact()
    #expect(log.occupiedBytes == 0)
  }
}
