import Reactor
import Settings
import Streams
import Support
import Testing

@testable import Gateway

@Suite struct TicketTests {
  private let start = Instant(nanoseconds: 1_000_000_000_000)
  private let target = Array("/process/stream?message=hi".utf8)
  private let someone = ExchangeIdentity(
    principal: Principal(subject: Array("ann".utf8), of: nil), authorization: Array("Bearer one".utf8))

  private func redeem(
    _ table: TicketTable, _ ticket: Ticket, at target: [UInt8], joining run: StreamID? = nil, for stream: StreamID?,
    at now: Instant
  ) -> ExchangeIdentity? {
    table.redeem(ticket, at: target, joining: run, for: stream, at: now)
  }

  private func table(lifetime: Int = 30, count: Int = 3) -> TicketTable {
    TicketTable(TicketSettings(lifetime: .seconds(lifetime), count: count))
  }

  @Test func `a ticket lets its holder in once, as whoever got it`() throws {
    let table = table()
    let ticket = try #require(table.issue(for: someone, at: start))
    let identity = try #require(redeem(table, ticket, at: target, for: nil, at: start))
    #expect(identity.principal == someone.principal && identity.authorization == someone.authorization)
    #expect(identity.ticket == ticket)
    #expect(redeem(table, ticket, at: target, for: nil, at: start) == nil)
  }

  @Test func `what was never given out is worth nothing`() {
    let table = table()
    #expect(redeem(table, StreamID(), at: target, for: nil, at: start) == nil)
    #expect(redeem(table, StreamID(), at: target, for: StreamID(), at: start) == nil)
  }

  @Test func `a ticket that was used opens the stream that it has opened, at the same target, and nothing else`() throws
  {
    let table = table()
    let ticket = try #require(table.issue(for: someone, at: start))
    let (stream, other) = (StreamID(), StreamID())
    _ = redeem(table, ticket, at: target, for: nil, at: start)
    #expect(redeem(table, ticket, at: target, for: stream, at: start) == nil, "it has opened none yet")
    table.bind(ticket, to: stream)
    // Long after the time in which it could have been used first, and as often as the client reconnects.
    for seconds in [0, 29, 30, 86_400] {
      let now = start + .seconds(seconds)
      #expect(redeem(table, ticket, at: target, for: stream, at: now)?.principal == someone.principal)
      #expect(redeem(table, ticket, at: target, for: other, at: now) == nil)
      #expect(redeem(table, ticket, at: target, for: nil, at: now) == nil)
      // Elsewhere only where the path names the stream itself.
      let elsewhere = Array("/events/room".utf8)
      #expect(redeem(table, ticket, at: elsewhere, for: stream, at: now) == nil)
      #expect(redeem(table, ticket, at: elsewhere, joining: other, for: stream, at: now) == nil)
      #expect(redeem(table, ticket, at: elsewhere, joining: stream, for: stream, at: now) != nil)
      #expect(redeem(table, ticket, at: elsewhere, joining: stream, for: nil, at: now) == nil)
    }
    // The stream of a ticket is the first.
    table.bind(ticket, to: other)
    #expect(redeem(table, ticket, at: target, for: other, at: start) == nil)
  }

  @Test func `a ticket that nobody has used has no stream`() throws {
    let table = table()
    let ticket = try #require(table.issue(for: someone, at: start))
    let stream = StreamID()
    table.bind(ticket, to: stream)
    _ = redeem(table, ticket, at: target, for: stream, at: start)
    #expect(redeem(table, ticket, at: target, for: stream, at: start) == nil)
  }

  @Test func `a ticket waits for its time and no longer`() throws {
    let table = table(lifetime: 30)
    let (early, late) = (table.issue(for: someone, at: start), table.issue(for: someone, at: start))
    let last = start + .nanoseconds(29_999_999_999)
    #expect(try redeem(table, #require(early), at: target, for: nil, at: last) != nil)
    #expect(try redeem(table, #require(late), at: target, for: nil, at: start + .seconds(30)) == nil)
  }

  @Test func `no more wait than there may, and there is room when one was used or has expired`() throws {
    let table = table(lifetime: 30, count: 2)
    let first = try #require(table.issue(for: someone, at: start))
    _ = try #require(table.issue(for: someone, at: start + .seconds(1)))
    #expect(table.issue(for: someone, at: start + .seconds(2)) == nil)
    _ = redeem(table, first, at: target, for: nil, at: start + .seconds(2))
    #expect(table.issue(for: someone, at: start + .seconds(2)) != nil)
    #expect(table.issue(for: someone, at: start + .seconds(30)) == nil)
    #expect(table.issue(for: someone, at: start + .seconds(31)) != nil, "the second one's time has passed")
    #expect(table.issue(for: someone, at: start + .seconds(31)) == nil)
  }

  @Test func `as many that were used are remembered as may wait, whoever waits meanwhile`() throws {
    let table = table(lifetime: 30, count: 3)
    // One that nobody uses yet is not in the way of forgetting.
    _ = try #require(table.issue(for: someone, at: start))
    var used: [(ticket: Ticket, stream: StreamID)] = []
    for _ in 0..<50 {
      let ticket = try #require(table.issue(for: someone, at: start))
      _ = try #require(redeem(table, ticket, at: target, for: nil, at: start))
      used.append((ticket, StreamID()))
      table.bind(ticket, to: used[used.count - 1].stream)
    }
    let known = used.filter { redeem(table, $0.ticket, at: target, for: $0.stream, at: start) != nil }
    #expect((2...3).contains(known.count), "\(known.count)")
    #expect(known.map(\.ticket) == used.suffix(known.count).map(\.ticket), "the newest")
  }

  @Test func `new settings hold for what is given out from then on`() throws {
    let table = table(lifetime: 30, count: 3)
    #expect(table.lifetime == .seconds(30))
    let before = try #require(table.issue(for: someone, at: start))
    table.reload(TicketSettings(lifetime: .seconds(5), count: 1))
    #expect(table.lifetime == .seconds(5) && table.issue(for: someone, at: start) == nil)
    #expect(redeem(table, before, at: target, for: nil, at: start + .seconds(29)) != nil)
    let after = try #require(table.issue(for: someone, at: start + .seconds(29)))
    #expect(redeem(table, after, at: target, for: nil, at: start + .seconds(34)) == nil)
    table.reload(nil)
    #expect(table.lifetime == nil && table.issue(for: someone, at: start + .seconds(60)) == nil)
    #expect(TicketTable(nil).issue(for: someone, at: start) == nil)
  }

  @Test(arguments: 1...100) func `over any history a ticket is given out where fewer wait than may`(seed: UInt64) {
    var random = SplitMix(seed)
    let table = table(lifetime: 10, count: 4)
    var now = start
    var waiting: [(ticket: Ticket, until: Instant)] = []
    for _ in 0..<300 {
      now = now + .milliseconds(random.next() % 3000)
      waiting.removeAll { $0.until <= now }
      if random.next() % 3 == 0, let place = waiting.indices.randomElement(using: &random) {
        let ticket = waiting.remove(at: place).ticket
        #expect(redeem(table, ticket, at: target, for: nil, at: now) != nil)
        #expect(redeem(table, ticket, at: target, for: nil, at: now) == nil)
      } else {
        let ticket = table.issue(for: someone, at: now)
        #expect((ticket != nil) == (waiting.count < 4))
        if let ticket { waiting.append((ticket, now + .seconds(10))) }
      }
    }
  }
}
