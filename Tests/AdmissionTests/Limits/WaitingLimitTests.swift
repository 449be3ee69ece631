import Reactor
import Testing

@testable import Admission

@Suite struct WaitingLimitTests {
  static let limit = Limit(name: "chat", per: [.domain], counts: .streams(2), whenFull: .wait(.seconds(5)))

  @Test func `as many as the bound come in`() {
    let table = TableOfLimits(Self.limit)
    for client in 1...2 { #expect(table.claim(client: UInt32(client)).slot != nil) }
  }

  @Test func `one more waits for its time and is refused then`() throws {
    let table = TableOfLimits(Self.limit)
    for _ in 1...2 { _ = table.claim(client: 1) }
    let claim = table.claim(client: 2)
    let ticket = try #require(claim.ticket)
    #expect(claim.due == table.now + .seconds(5))
    #expect(try table.figures("chat").waiting == 1)
    table.pass(.nanoseconds(4_999_999_999))
    #expect(table.due(ticket) == claim)
    table.pass(.nanoseconds(1))
    let refusal = try #require(table.due(ticket)?.refusal)
    #expect(refusal == LimitRefusal(limit: Self.limit, reason: .waited, retryAfterSeconds: 1...5))
    #expect(table.due(ticket) == nil)
    #expect(try table.figures("chat") == .init(name: "chat", held: 2, waiting: 0, keys: 1, refused: 1, evicted: 0))
  }

  @Test func `what is released goes to who waits, in order, told to their workers`() throws {
    let table = TableOfLimits(
      Limit(name: "chat", per: [.domain], counts: .streams(2), whenFull: .wait(.seconds(5)), waiting: 3))
    let slots = (0..<2).compactMap { _ in table.claim(client: 1).slot }
    let tickets = (5...7).compactMap { table.claim(client: UInt32($0), worker: $0).ticket }
    try #require(tickets.count == 3)
    table.release(slots[0])
    table.release(slots[1])
    let notices = table.takeNotices()
    #expect(notices.map(\.worker) == [5, 6])
    #expect(notices.map(\.ticket) == [tickets[0], tickets[1]])
    let late = notices.compactMap(\.decided?.slot)
    #expect(late.map(\.worker) == [5, 6])
    // Who comes now waits behind the third.
    #expect(table.claim(client: 8, worker: 8).ticket != nil)
    late.forEach { table.release($0) }
    #expect(table.takeNotices().map(\.worker) == [7, 8])
    #expect(table.table.imbalance() == nil)
  }

  @Test func `the refusal names the limit`() {
    let table = TableOfLimits(
      Limit(name: "chat", per: [], counts: .streams(1), whenFull: .wait(.seconds(5)), waiting: 1))
    _ = table.claim(client: 1)
    _ = table.claim(client: 1)
    #expect(table.claim(client: 1).refusal?.limit.name == "chat")
    #expect(table.claim(client: 1).refusal?.reason == .crowded)
  }

  @Test func `as many wait as may, for each key`() {
    let table = TableOfLimits(Self.limit)
    for domain in ["a", "b"] {
      for _ in 1...2 { #expect(table.claim(client: 1, domain: domain).slot != nil) }
      for _ in 1...2 { #expect(table.claim(client: 1, domain: domain).ticket != nil) }
      #expect(table.claim(client: 1, domain: domain).refusal?.reason == .crowded)
    }
  }

  @Test func `who gives up is passed over`() throws {
    let table = TableOfLimits(Self.limit)
    let slots = (0..<2).compactMap { _ in table.claim(client: 1).slot }
    let tickets = (5...6).compactMap { table.claim(client: UInt32($0), worker: $0).ticket }
    try #require(tickets.count == 2)
    #expect(table.table.abandon(tickets[0]))
    #expect(!table.table.abandon(tickets[0]))
    table.release(slots[0])
    #expect(table.takeNotices().map(\.ticket) == [tickets[1]])
  }

  @Test func `who gives up too late has a slot to release`() throws {
    let table = TableOfLimits(Self.limit)
    let slots = (0..<2).compactMap { _ in table.claim(client: 1).slot }
    let ticket = try #require(table.claim(client: 5).ticket)
    table.release(slots[0])
    #expect(!table.table.abandon(ticket))
    #expect(table.due(ticket) == nil)
    let slot = try #require(table.takeNotices().first?.decided?.slot)
    table.release(slot)
    table.release(slots[1])
    #expect(table.table.figures().open(.stream) == 0)
  }

  @Test func `a claim holds nothing while it waits`() throws {
    let table = TableOfLimits(
      Limit(name: "six", per: [.client], counts: .streams(1), whenFull: .refuse), Self.limit)
    for client in 1...2 { _ = table.claim(client: UInt32(client)) }
    #expect(table.claim(client: 3).ticket != nil)
    #expect(table.claim(client: 3, domain: "b.example").slot != nil)
  }

  @Test func `who has its turn is refused where another limit has filled up meanwhile`() throws {
    let table = TableOfLimits(
      Limit(name: "six", per: [.client], counts: .streams(1), whenFull: .refuse), Self.limit)
    let slots = [1, 2].compactMap { table.claim(client: $0).slot }
    _ = table.claim(client: 3, worker: 3)
    _ = table.claim(client: 4, worker: 4)
    _ = table.claim(client: 3, domain: "b.example")
    table.release(slots[0])
    // The room goes to the next one.
    let notices = table.takeNotices()
    try #require(notices.map(\.worker) == [3, 4])
    #expect(notices[0].decided?.refusal?.limit.name == "six")
    #expect(notices[1].decided?.slot != nil)
  }

  @Test func `who has its turn waits at the next full limit, for what is left of its time`() throws {
    let table = TableOfLimits(
      Limit(name: "small", per: [.domain], counts: .streams(1), whenFull: .wait(.seconds(5))),
      Limit(name: "whole", per: [], counts: .streams(2), whenFull: .wait(.seconds(3))))
    let first = try #require(table.claim(client: 1, domain: "a").slot)
    let came = table.now
    let ticket = try #require(table.claim(client: 2, domain: "a", worker: 2).ticket)
    table.pass(.seconds(1))
    let others = ["b", "c"].map { table.claim(client: 1, domain: $0) }
    #expect(others[1].ticket != nil)
    table.release(first)
    // The room of the whole goes to the one that stood there, so the other comes to stand behind it.
    let notices = table.takeNotices()
    try #require(notices.count == 2)
    #expect(notices[0] == .decided(ticket, .waiting(ticket, due: came + .seconds(3))))
    #expect(notices[1].ticket == others[1].ticket)
    table.release(try #require(others[0].slot))
    #expect(table.takeNotices().first?.ticket == ticket)
    #expect(table.table.imbalance() == nil)
  }

  @Test func `whose time has passed when its turn comes does not wait elsewhere`() throws {
    let table = TableOfLimits(
      Limit(name: "small", per: [.domain], counts: .streams(1), whenFull: .wait(.seconds(5))),
      Limit(name: "whole", per: [], counts: .streams(2), whenFull: .wait(.seconds(3))))
    let first = try #require(table.claim(client: 1, domain: "a").slot)
    _ = table.claim(client: 2, domain: "a")
    _ = table.claim(client: 1, domain: "b")
    _ = table.claim(client: 1, domain: "c")
    table.pass(.seconds(4))
    table.release(first)
    let refusal = try #require(table.takeNotices().first?.decided?.refusal)
    #expect(refusal.limit.name == "whole")
    #expect(refusal.reason == .waited)
  }

  @Test func `a claim that is refused elsewhere does not wait`() {
    let table = TableOfLimits(
      Self.limit, Limit(name: "whole", per: [], counts: .streams(2), whenFull: .refuse))
    for _ in 1...2 { _ = table.claim(client: 1) }
    #expect(table.claim(client: 1).refusal?.limit.name == "whole")
  }
}
