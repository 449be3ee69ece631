import Reactor
import Testing

@testable import Admission

@Suite struct RateLimitTests {
  static func limit(_ rate: String, burst: Int, _ whenFull: WhenFull = .refuse, waiting: Int? = nil) throws -> Limit {
    Limit(
      name: "starts", per: [.client], counts: .rate(try #require(Rate(rate)), burst: burst), whenFull: whenFull,
      waiting: waiting)
  }

  @Test func `as many as the burst start at once`() throws {
    let table = TableOfLimits(try Self.limit("10/s", burst: 20))
    for _ in 0..<20 { #expect(table.claim(client: 1).slot != nil) }
  }

  @Test func `one more does not, until its moment`() throws {
    let table = TableOfLimits(try Self.limit("2/m", burst: 3))
    for _ in 0..<3 { _ = table.claim(client: 1) }
    #expect(table.claim(client: 1).refusal?.retryAfterSeconds == 30...30)
    #expect(table.claim(client: 2).slot != nil)
    table.pass(.nanoseconds(29_000_000_001))
    #expect(table.claim(client: 1).refusal?.retryAfterSeconds == 1...1)
    table.pass(.nanoseconds(999_999_999))
    #expect(table.claim(client: 1).slot != nil)
    #expect(table.claim(client: 1).refusal != nil)
  }

  @Test func `what ends gives no token back, time does`() throws {
    let table = TableOfLimits(try Self.limit("1/s", burst: 1))
    table.release(try #require(table.claim(client: 1).slot))
    #expect(table.claim(client: 1).refusal != nil)
    table.pass(.seconds(1))
    #expect(table.claim(client: 1).slot != nil)
  }

  @Test func `the refusal names the limit`() throws {
    let limit = try Self.limit("10/s", burst: 1)
    let table = TableOfLimits(limit)
    _ = table.claim(client: 1)
    #expect(table.claim(client: 1).refusal == LimitRefusal(limit: limit, reason: .full, retryAfterSeconds: 1...1))
  }

  @Test func `a refused start costs nothing`() throws {
    let table = TableOfLimits(try Self.limit("1/s", burst: 1))
    _ = table.claim(client: 1)
    for _ in 0..<9 {
      table.pass(.milliseconds(100))
      #expect(table.claim(client: 1).refusal != nil)
    }
    table.pass(.milliseconds(100))
    #expect(table.claim(client: 1).slot != nil)
  }

  @Test func `who waits comes in at its moment, in order`() throws {
    let table = TableOfLimits(try Self.limit("4/s", burst: 1, .wait(.seconds(1))))
    let start = table.now
    _ = table.claim(client: 1)
    let claims = (0..<4).map { table.claim(client: 1, worker: $0) }
    #expect(claims.map(\.due) == (1...4).map { start + .milliseconds(250 * $0) })
    // The next moment is later than it may wait.
    #expect(table.claim(client: 1).refusal?.retryAfterSeconds == 2...2)
    for claim in claims {
      let ticket = try #require(claim.ticket)
      table.pass(.milliseconds(249))
      #expect(table.due(ticket) == claim)
      table.pass(.milliseconds(1))
      #expect(table.due(ticket)?.slot != nil)
    }
    #expect(table.notices == [])
    #expect(table.table.imbalance() == nil)
  }

  @Test func `a late look serves those before, who are told`() throws {
    let table = TableOfLimits(try Self.limit("4/s", burst: 2, .wait(.seconds(2))))
    for _ in 0..<2 { _ = table.claim(client: 1) }
    let tickets = (0..<3).compactMap { table.claim(client: 1, worker: $0).ticket }
    try #require(tickets.count == 3)
    table.pass(.milliseconds(500))
    #expect(table.due(tickets[1])?.slot != nil)
    #expect(table.takeNotices().map(\.ticket) == [tickets[0]])
    // A bucket of two lets no more in than two at once, however late they ask.
    table.pass(.milliseconds(1400))
    #expect(table.claim(client: 1, worker: 9).slot != nil)
    let notices = table.takeNotices()
    #expect(notices.map(\.ticket) == [tickets[2]])
    #expect(notices.first?.decided?.slot != nil)
  }

  @Test func `who comes later does not overtake who waits`() throws {
    let table = TableOfLimits(try Self.limit("4/s", burst: 1, .wait(.seconds(2))))
    _ = table.claim(client: 1)
    let ticket = try #require(table.claim(client: 1, worker: 1).ticket)
    table.pass(.milliseconds(250))
    // The token is there and belongs to the one that waits.
    let late = table.claim(client: 1, worker: 2)
    #expect(table.takeNotices().map(\.ticket) == [ticket])
    #expect(late.due == table.now + .milliseconds(250))
  }

  @Test func `whoever leaves makes those behind earlier, when they are looked at`() throws {
    let table = TableOfLimits(try Self.limit("4/s", burst: 1, .wait(.seconds(2))))
    _ = table.claim(client: 1)
    let tickets = (0..<2).compactMap { table.claim(client: 1, worker: $0).ticket }
    try #require(tickets.count == 2)
    #expect(table.table.abandon(tickets[0]))
    #expect(table.due(tickets[1]) == .waiting(tickets[1], due: table.now + .milliseconds(250)))
    table.pass(.milliseconds(250))
    #expect(table.due(tickets[1])?.slot != nil)
  }

  @Test func `as many wait as may`() throws {
    let table = TableOfLimits(try Self.limit("4/s", burst: 1, .wait(.seconds(2)), waiting: 2))
    _ = table.claim(client: 1)
    for _ in 0..<2 { #expect(table.claim(client: 1).ticket != nil) }
    #expect(table.claim(client: 1).refusal?.reason == .crowded)
  }

  @Test func `a token is taken only by who comes in`() throws {
    let table = TableOfLimits(
      try Self.limit("1/s", burst: 1, .wait(.seconds(2))),
      Limit(name: "one", per: [.domain], counts: .streams(1), whenFull: .refuse))
    let slot = try #require(table.claim(client: 2).slot)
    _ = table.claim(client: 1, domain: "b.example")
    // Its turn at the rate comes when the other limit is full.
    table.release(slot)
    let ticket = try #require(table.claim(client: 1).ticket)
    _ = table.claim(client: 3)
    table.pass(.seconds(1))
    #expect(table.due(ticket)?.refusal?.limit.name == "one")
    #expect(table.claim(client: 1, domain: "c.example").slot != nil)
  }

  // Memory

  @Test func `full buckets are forgotten`() throws {
    let table = TableOfLimits(try Self.limit("1/s", burst: 1))
    for round in 0..<20 {
      for client in 0..<100 {
        if let slot = table.claim(client: UInt32(round * 100 + client)).slot { table.release(slot) }
      }
      table.pass(.seconds(2))
    }
    #expect(try table.figures("starts").keys <= 150)
    #expect(table.table.imbalance() == nil)
  }

  @Test func `more keys than may be remembered share one bucket`() throws {
    let table = TableOfLimits(try Self.limit("1/m", burst: 2), maximumRateKeys: 3)
    for client in 1...3 { #expect(table.claim(client: UInt32(client)).slot != nil) }
    #expect([4, 5, 6].map { table.claim(client: $0).slot != nil } == [true, true, false])
    // Those that are remembered have their own still.
    #expect(table.claim(client: 1).slot != nil)
    #expect(try table.figures("starts").keys == 4)
    // Later there is room for others.
    table.pass(.seconds(120))
    for client in 7...11 { #expect(table.claim(client: UInt32(client)).slot != nil) }
    #expect(table.claim(client: 12).refusal != nil)
    #expect(table.table.imbalance() == nil)
  }
}
