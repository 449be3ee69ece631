import Testing

@testable import Admission

@Suite struct LimitTests {
  @Test(
    arguments: [
      ([], .streams(1), .stream), ([.client, .domain], .streams(1), .stream), ([.upstream], .streams(1), .upstream),
      ([.client, .upstream], .rate(Rate(count: 1, unit: .second), burst: 1), .upstream),
      ([.endpoint], .streams(1), .endpoint), ([.endpoint, .upstream], .streams(1), .endpoint),
      ([.client], .connections(1), .connection),
    ] as [([Dimension], Limit.Counts, LimitGroup)])
  func `a limit counts the claims that know its dimensions`(per: [Dimension], counts: Limit.Counts, group: LimitGroup) {
    #expect(Limit(name: "a", per: per, counts: counts, whenFull: .refuse).group == group)
  }

  @Test(arguments: ["a", "six-per-tab-owner", "A_9", String(repeating: "n", count: 64)])
  func `a name is letters, digits, hyphens and underscores`(name: String) {
    #expect(Limit.isName(name))
  }

  @Test(arguments: ["", "a b", "a.b", "ä", "a\n", "é", "²", String(repeating: "n", count: 65)])
  func `anything else names no limit`(name: String) {
    #expect(!Limit.isName(name))
  }

  @Test(
    arguments: [
      (.streams(7), .wait(.seconds(5)), 7), (.connections(7), .wait(.seconds(5)), 7),
      (.rate(Rate(count: 10, unit: .second), burst: 2), .wait(.seconds(5)), 50),
      (.rate(Rate(count: 1, unit: .hour), burst: 2), .wait(.seconds(5)), 1),
      (.rate(Rate(count: 1_000_000, unit: .second), burst: 2), .wait(.seconds(5)), 1_000_000),
    ] as [(Limit.Counts, WhenFull, Int)])
  func `as many may wait as there may be`(counts: Limit.Counts, whenFull: WhenFull, waiting: Int) {
    #expect(Limit(name: "a", per: [], counts: counts, whenFull: whenFull).waiting == waiting)
  }

  @Test(
    arguments: [
      (.refuse, "refuse"), (.evictOldest, "evict-oldest"), (.wait(.seconds(5)), "wait 5s"),
      (.wait(.milliseconds(1500)), "wait 1500ms"),
    ] as [(WhenFull, String)])
  func `what happens when it is full is written as in the settings`(whenFull: WhenFull, text: String) {
    #expect("\(whenFull)" == text)
  }
}
