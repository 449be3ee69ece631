import Testing

@testable import Gateway

/// How the writes of a turn are shared.
struct TurnTests {
  @Test func `many readers are written to over several turns, and what fills the log waits for that`() throws {
    let slow = try SlowStream(.disconnect)
    let readers = try (0..<600).map { _ in
      let reader = try slow.reader()
      reader.room = 1 << 20
      return reader
    }
    slow.append("first")
    slow.worker.turnEnded()
    let reached = readers.filter { !$0.bytes.isEmpty }.count
    #expect(reached >= 16 && reached < readers.count, "a turn has its bound")
    #expect(slow.stream.isHolding)
    slow.append("second")
    var turns = 1
    while slow.stream.isHolding, turns < 100 {
      slow.worker.turnEnded()
      turns += 1
    }
    #expect(!slow.stream.isHolding)
    for reader in readers {
      #expect(reader.received.events.map(\.data) == ["first", "second"].map { Array($0.utf8) })
    }
  }

  @Test func `a run gets its event in the turn in which a feed has too many readers for one`() throws {
    let crowd = try SlowStream(.disconnect, isFeed: true)
    let readers = try (0..<600).map { _ in
      let reader = try crowd.reader()
      reader.room = 1 << 20
      return reader
    }
    let run = Run(
      on: try #require(crowd.worker.table.runRoute("/run")), of: crowd.worker, principal: nil, key: nil, payload: nil)
    crowd.worker.runs.add(run)
    run.open()
    let alone = try crowd.reader(of: run)
    alone.room = 1 << 20
    crowd.append("for all")
    let (type, data) = ([UInt8](), Array("for one".utf8))
    run.append(type: type.span, data: data.span)
    crowd.worker.turnEnded()
    #expect(readers.contains { $0.bytes.isEmpty }, "the feed is not through")
    #expect(alone.received.events.map(\.data) == [data])
  }
}
