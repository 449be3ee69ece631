import Testing

@testable import Gateway

@Suite struct BackpressureTests {
  @Test func `bytes are left unread beyond half of the buffer, until no more than a quarter is left`() {
    var backpressure = Backpressure(clientBufferBytes: 4000)
    let history: [(lag: UInt64, changes: Bool, isOn: Bool)] = [
      (0, false, false), (2000, false, false), (2001, true, true), (9000, false, true), (1001, false, true),
      (1000, true, false), (2000, false, false), (2001, true, true),
    ]
    for (lag, changes, isOn) in history {
      let changed = backpressure.update(lag: lag, isBlocked: true, readers: 1)
      #expect(changed == changes)
      #expect(backpressure.isOn == isOn)
    }
  }

  @Test(arguments: [1, 2]) func `what came with the end of a run its only reader gets, however far it is behind`(
    readers: Int
  ) throws {
    let slow = try SlowStream(.disconnect, backpressure: true)
    let all = try (0..<readers).map { _ in try slow.reader() }
    for _ in 0..<100 { slow.append(String(repeating: "x", count: 100)) }
    slow.end()
    for reader in all where reader.reason == nil {
      reader.take(1 << 20)
      #expect(reader.received.events == slow.events)
    }
    // Of several, one is left.
    #expect(all.count { $0.reason == .slowReader } == readers - 1 && all.count { $0.reason == .completed } == 1)
  }

  @Test(arguments: [(false, 1), (true, 0), (true, 2)]) func `never for a socket with room, nor for none or many`(
    isBlocked: Bool, readers: Int
  ) {
    var backpressure = Backpressure(clientBufferBytes: 4000)
    let changes = [(isBlocked, readers), (true, 1), (isBlocked, readers)].map { isBlocked, readers in
      backpressure.update(lag: 1 << 40, isBlocked: isBlocked, readers: readers)
    }
    #expect(changes == [false, true, true] && !backpressure.isOn)
  }
}
