import Reactor
import Testing

@testable import Admission

@Suite struct EvictingLimitTests {
  static let limit = Limit(name: "six", per: [.client, .domain], counts: .streams(6), whenFull: .evictOldest)

  static func full(_ limits: Limit...) -> (TableOfLimits, [Slot]) {
    let table = TableOfLimits(limit)
    if !limits.isEmpty { table.notices += table.table.reload(limits + [limit], at: table.now) }
    return (table, (0..<6).compactMap { table.claim(client: 1, worker: Int($0)).slot })
  }

  @Test func `as many as the bound come in`() {
    let (table, slots) = Self.full()
    #expect(slots.count == 6)
    #expect(table.notices == [])
  }

  @Test func `one more tells the oldest to end and waits for that`() throws {
    let (table, slots) = Self.full()
    let claim = table.claim(client: 1, worker: 9)
    let ticket = try #require(claim.ticket)
    #expect(claim.due == table.now + SlotTable.evictionTime)
    #expect(table.takeNotices() == [.evicted(slots[0])])
    #expect(table.table.isEvicted(slots[0]))
    #expect(!table.table.isEvicted(slots[1]))
    // The bound holds until the oldest is gone.
    #expect(try table.figures("six").held == 6)
    table.release(slots[0])
    let notices = table.takeNotices()
    #expect(notices.map(\.ticket) == [ticket])
    #expect(notices.first?.decided?.slot?.worker == 9)
    #expect(try table.figures("six") == .init(name: "six", held: 6, waiting: 0, keys: 1, refused: 0, evicted: 1))
  }

  @Test func `a slot that is released is free again, and nobody ends for it`() {
    let (table, slots) = Self.full()
    table.release(slots[3])
    #expect(table.claim(client: 1).slot != nil)
    #expect(table.notices == [])
  }

  @Test func `the refusal names the limit`() throws {
    let (table, slots) = Self.full()
    for _ in 0..<6 { #expect(table.claim(client: 1).ticket != nil) }
    #expect(table.takeNotices().compactMap(\.evicted) == slots)
    let refusal = try #require(table.claim(client: 1).refusal)
    #expect(refusal == LimitRefusal(limit: Self.limit, reason: .crowded, retryAfterSeconds: 1...5))
    #expect(table.notices == [])
  }

  @Test func `who evicts comes in in the order in which it came`() {
    let (table, slots) = Self.full()
    let tickets = (0..<3).compactMap { table.claim(client: 1, worker: 10 + $0).ticket }
    #expect(table.takeNotices().compactMap(\.evicted) == Array(slots[..<3]))
    // Another than the one it was told for makes room just as well.
    for slot in [slots[5], slots[2], slots[0]] { table.release(slot) }
    #expect(table.takeNotices().map(\.ticket) == tickets)
    // One was told to end that nobody waits for any more: the next one need not tell another.
    #expect(table.claim(client: 1).ticket != nil)
    #expect(table.notices == [])
    table.release(slots[1])
    #expect(table.takeNotices().count == 1)
  }

  @Test func `who waits for an end that does not come is refused`() throws {
    let (table, _) = Self.full()
    let ticket = try #require(table.claim(client: 1).ticket)
    table.pass(SlotTable.evictionTime)
    #expect(table.due(ticket)?.refusal == LimitRefusal(limit: Self.limit, reason: .waited, retryAfterSeconds: 1...5))
  }

  @Test func `nobody is told to end for a claim that is refused anyway`() {
    let (table, _) = Self.full(Limit(name: "domain", per: [.domain], counts: .streams(6), whenFull: .refuse))
    #expect(table.claim(client: 1).refusal?.limit.name == "domain")
    #expect(table.notices == [])
  }

  @Test func `nobody is told to end for a claim that has to wait elsewhere first`() throws {
    let (table, slots) = Self.full(Limit(name: "whole", per: [], counts: .streams(7), whenFull: .wait(.seconds(1))))
    let other = try #require(table.claim(client: 2).slot)
    #expect(table.claim(client: 1).ticket != nil)
    #expect(table.notices == [])
    table.release(other)
    let notices = table.takeNotices()
    #expect(notices.compactMap(\.evicted) == [slots[0]])
    #expect(notices.compactMap(\.decided?.due) == [table.now + SlotTable.evictionTime])
  }

  @Test func `one end makes room at every limit that evicts`() {
    let (table, slots) = Self.full(Limit(name: "user", per: [.client], counts: .streams(6), whenFull: .evictOldest))
    // The older rule is full as well; when its oldest has ended there is room at both.
    #expect(table.claim(client: 1).ticket != nil)
    #expect(table.takeNotices() == [.evicted(slots[0])])
    table.release(slots[0])
    #expect(table.takeNotices().compactMap(\.decided?.slot).count == 1)
    #expect(table.table.imbalance() == nil)
  }

  @Test func `neither another client nor another domain is touched`() {
    let (table, slots) = Self.full()
    _ = table.claim(client: 2)
    _ = table.claim(client: 1, domain: "b.example")
    #expect(table.notices == [])
    _ = table.claim(client: 1)
    #expect(table.takeNotices() == [.evicted(slots[0])])
  }
}
