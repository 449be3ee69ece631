import Reactor
import Testing

@testable import Admission

@Suite struct ReloadTests {
  static func streams(_ name: String, _ per: [Dimension], _ bound: Int, _ whenFull: WhenFull = .refuse) -> Limit {
    Limit(name: name, per: per, counts: .streams(bound), whenFull: whenFull)
  }

  @Test func `what is held counts for a limit that goes on`() throws {
    let table = TableOfLimits(Self.streams("a", [.client], 3))
    let slots = (0..<3).compactMap { _ in table.claim(client: 1).slot }
    table.reload(Self.streams("b", [.domain], 9), Self.streams("a", [.client], 4))
    #expect(try table.figures("a").held == 3)
    #expect(table.claim(client: 1).slot != nil)
    #expect(table.claim(client: 1).refusal?.limit.name == "a")
    slots.forEach { table.release($0) }
    #expect(try table.figures("a").held == 1)
    #expect(table.table.imbalance() == nil)
  }

  @Test func `what is held counts for a limit that is new`() throws {
    let table = TableOfLimits()
    #expect(!table.table.applies(.stream))
    let slots = (0..<3).compactMap { _ in table.claim(client: 1).slot }
    table.reload(Self.streams("a", [.client, .domain], 3, .evictOldest))
    #expect(table.table.applies(.stream))
    #expect(try table.figures("a").held == 3)
    // Its age counts as well.
    #expect(table.claim(client: 1).ticket != nil)
    #expect(table.takeNotices() == [.evicted(slots[0])])
    // And that it has been told to end.
    table.reload(Self.streams("b", [.client], 3, .evictOldest))
    table.release(slots[0])
    #expect(table.claim(client: 1).slot == nil)
    #expect(table.takeNotices().compactMap(\.evicted) == [slots[1]])
  }

  @Test func `a lower bound ends nobody and admits nobody until fewer are held`() throws {
    let table = TableOfLimits(Self.streams("a", [.client], 4))
    let slots = (0..<4).compactMap { _ in table.claim(client: 1).slot }
    table.reload(Self.streams("a", [.client], 2))
    #expect(table.notices == [])
    for slot in slots[..<3] {
      #expect(table.claim(client: 1).refusal?.limit.counts == .streams(2))
      table.release(slot)
    }
    #expect(table.claim(client: 1).slot != nil)
    #expect(table.claim(client: 1).refusal != nil)
  }

  @Test func `one more than a lower bound tells as many to end as are too many`() throws {
    let table = TableOfLimits(Self.streams("a", [.client], 4, .evictOldest))
    let slots = (0..<4).compactMap { _ in table.claim(client: 1).slot }
    table.reload(Self.streams("a", [.client], 2, .evictOldest))
    _ = table.claim(client: 1)
    #expect(table.takeNotices().compactMap(\.evicted) == Array(slots[..<3]))
    slots[..<2].forEach { table.release($0) }
    #expect(table.notices == [])
    table.release(slots[2])
    #expect(table.takeNotices().compactMap(\.decided?.slot).count == 1)
  }

  @Test func `a higher bound lets in who waits, in order`() {
    func limit(_ bound: Int) -> Limit {
      Limit(name: "a", per: [.domain], counts: .streams(bound), whenFull: .wait(.seconds(9)), waiting: 3)
    }
    let table = TableOfLimits(limit(1))
    _ = table.claim(client: 1)
    let tickets = (0..<3).map { table.claim(client: 1, worker: $0).ticket }
    table.reload(limit(3))
    #expect(table.takeNotices().map(\.ticket) == Array(tickets[..<2]))
    #expect(table.table.figures().limits.map(\.waiting) == [1])
  }

  @Test func `who waits at a limit that is gone is decided anew`() throws {
    let old = Self.streams("a", [.domain], 2, .wait(.seconds(9)))
    let table = TableOfLimits(old)
    for _ in 0..<2 { _ = table.claim(client: 1) }
    let tickets = (0..<2).compactMap { table.claim(client: 1, worker: $0).ticket }
    table.reload(Self.streams("b", [.domain], 3))
    let notices = table.takeNotices()
    try #require(notices.map(\.ticket) == tickets && tickets.count == 2)
    #expect(notices[0].decided?.slot != nil)
    #expect(notices[1].decided?.refusal?.limit.name == "b")
    #expect(table.table.imbalance() == nil)
  }

  @Test func `who waits at a limit that goes on keeps its place and its time`() throws {
    let table = TableOfLimits(Self.streams("a", [.domain], 1, .wait(.seconds(9))))
    let slot = try #require(table.claim(client: 1).slot)
    let claim = table.claim(client: 2)
    let ticket = try #require(claim.ticket)
    table.pass(.seconds(1))
    table.reload(Self.streams("a", [.domain], 1))
    #expect(table.notices == [])
    #expect(table.claim(client: 3).refusal != nil)
    #expect(table.due(ticket) == claim)
    table.release(slot)
    #expect(table.takeNotices().map(\.ticket) == [ticket])
  }

  @Test func `a rate that goes on keeps its buckets, and its refusals`() throws {
    let table = TableOfLimits(try RateLimitTests.limit("1/s", burst: 2))
    for _ in 0..<3 { _ = table.claim(client: 1) }
    table.reload(try RateLimitTests.limit("2/s", burst: 2))
    #expect(try table.figures("starts").refused == 1)
    #expect(table.claim(client: 1).refusal != nil)
    table.pass(.milliseconds(500))
    #expect(table.claim(client: 1).slot != nil)
    #expect(table.claim(client: 1).refusal != nil)
  }

  @Test func `another kind under the same name begins anew`() throws {
    let table = TableOfLimits(try RateLimitTests.limit("1/h", burst: 1))
    let slot = try #require(table.claim(client: 1).slot)
    table.reload(Self.streams("starts", [.client], 1))
    #expect(table.claim(client: 1).refusal != nil)
    table.release(slot)
    #expect(table.claim(client: 1).slot != nil)
    table.reload(try RateLimitTests.limit("1/h", burst: 1))
    #expect(table.claim(client: 1).slot != nil)
  }
}
