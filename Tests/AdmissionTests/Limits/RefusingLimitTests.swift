import Testing

@testable import Admission

@Suite struct RefusingLimitTests {
  /// Six streams a client and domain, or as many connections: what is full refuses.
  static let kinds: [(Limit, LimitGroup)] = [
    (Limit(name: "six", per: [.client, .domain], counts: .streams(6), whenFull: .refuse), .stream),
    (Limit(name: "wires", per: [.client, .domain], counts: .connections(6), whenFull: .refuse), .connection),
    (Limit(name: "work", per: [.client, .upstream], counts: .streams(6), whenFull: .refuse), .upstream),
    (Limit(name: "ends", per: [.client, .endpoint], counts: .streams(6), whenFull: .refuse), .endpoint),
  ]

  @Test(arguments: kinds)
  func `as many as the bound come in`(limit: Limit, group: LimitGroup) throws {
    let table = TableOfLimits(limit)
    for _ in 0..<6 { #expect(table.claim(client: 1, group: group).slot != nil) }
    #expect(try table.figures(limit.name).held == 6)
    #expect(table.table.figures().open(group) == 6)
  }

  @Test(arguments: kinds)
  func `one more does not, and others do`(limit: Limit, group: LimitGroup) throws {
    let table = TableOfLimits(limit)
    for _ in 0..<6 { _ = table.claim(client: 1, group: group) }
    #expect(table.claim(client: 1, group: group).refusal != nil)
    #expect(table.claim(client: 2, group: group).slot != nil)
    #expect(try table.figures(limit.name).held == 7)
    #expect(try table.figures(limit.name).refused == 1)
  }

  @Test(arguments: kinds)
  func `a slot that is released is free again`(limit: Limit, group: LimitGroup) throws {
    let table = TableOfLimits(limit)
    let slots = (0..<6).compactMap { _ in table.claim(client: 1, group: group).slot }
    table.release(try #require(slots.first))
    #expect(table.claim(client: 1, group: group).slot != nil)
    #expect(table.claim(client: 1, group: group).refusal != nil)
  }

  @Test(arguments: kinds)
  func `the refusal names the limit`(limit: Limit, group: LimitGroup) throws {
    let table = TableOfLimits(limit)
    for _ in 0..<6 { _ = table.claim(client: 1, group: group) }
    let refusal = try #require(table.claim(client: 1, group: group).refusal)
    #expect(refusal == LimitRefusal(limit: limit, reason: .full, retryAfterSeconds: 1...5))
  }

  @Test func `a refused claim is counted nowhere`() throws {
    let table = TableOfLimits(
      Limit(name: "wide", per: [.client], counts: .streams(2), whenFull: .refuse),
      Limit(name: "starts", per: [.client], counts: .rate(Rate(count: 1, unit: .hour), burst: 2), whenFull: .refuse),
      Limit(name: "one", per: [.domain], counts: .streams(1), whenFull: .refuse))
    #expect(table.claim(client: 1, domain: "a").slot != nil)
    for _ in 0..<5 { #expect(table.claim(client: 1, domain: "a").refusal?.limit.name == "one") }
    #expect(try table.figures("wide").held == 1)
    #expect(table.claim(client: 1, domain: "b").slot != nil)
    #expect(table.table.imbalance() == nil)
  }

  @Test func `the first full limit in the file is named`() {
    let table = TableOfLimits(
      Limit(name: "first", per: [.domain], counts: .streams(1), whenFull: .refuse),
      Limit(name: "second", per: [.client], counts: .streams(1), whenFull: .refuse))
    _ = table.claim(client: 1, domain: "a")
    #expect(table.claim(client: 1, domain: "a").refusal?.limit.name == "first")
    #expect(table.claim(client: 1, domain: "b").refusal?.limit.name == "second")
  }

  @Test func `who has no value counts with all who have none`() {
    let table = TableOfLimits(Limit(name: "page", per: [.origin], counts: .streams(1), whenFull: .refuse))
    #expect(table.claim(client: 1).slot != nil)
    #expect(table.claim(client: 2).refusal != nil)
    #expect(table.claim(LimitSubject(origin: "null")).slot != nil)
  }

  @Test func `a limit for the whole gateway counts everybody`() {
    let table = TableOfLimits(Limit(name: "all", per: [], counts: .streams(2), whenFull: .refuse))
    #expect(table.claim(client: 1, domain: "a").slot != nil)
    #expect(table.claim(client: 2, domain: "b").slot != nil)
    #expect(table.claim(client: 3, domain: "c").refusal?.status == 503)
  }

  @Test func `a limit counts the claims of its group alone`() {
    let table = TableOfLimits(
      Limit(name: "wires", per: [.client], counts: .connections(1), whenFull: .refuse),
      Limit(name: "streams", per: [.client], counts: .streams(1), whenFull: .refuse))
    #expect(table.claim(client: 1, group: .connection).slot != nil)
    #expect(table.claim(client: 1, group: .stream).slot != nil)
    #expect(table.claim(client: 1, group: .connection).refusal?.limit.name == "wires")
    #expect(table.claim(client: 1, group: .stream).refusal?.limit.name == "streams")
    #expect(table.claim(client: 1, group: .upstream).slot != nil)
    #expect(LimitGroup.allCases.map { table.table.applies($0) } == [true, true, false, false])
  }

  @Test func `nothing is remembered of a key that nobody holds`() throws {
    let table = TableOfLimits(Limit(name: "six", per: [.client], counts: .streams(6), whenFull: .refuse))
    let slots = (0..<100).compactMap { table.claim(client: $0 / 2).slot }
    #expect(try table.figures("six").keys == 50)
    slots.forEach { table.release($0) }
    #expect(try table.figures("six") == .init(name: "six", held: 0, waiting: 0, keys: 0, refused: 0, evicted: 0))
    #expect(table.table.figures().open(.stream) == 0)
  }
}
