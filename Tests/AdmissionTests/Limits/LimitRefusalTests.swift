import Testing

@testable import Admission

@Suite struct LimitRefusalTests {
  static let rate = Limit.Counts.rate(Rate(count: 10, unit: .second), burst: 20)

  static func refusal(
    _ name: String, _ per: [Dimension], _ counts: Limit.Counts, _ whenFull: WhenFull = .refuse,
    _ reason: LimitRefusal.Reason = .full
  ) -> LimitRefusal {
    LimitRefusal(
      limit: Limit(name: name, per: per, counts: counts, whenFull: whenFull), reason: reason, retryAfterSeconds: 1...5)
  }

  @Test(
    arguments: [
      (["client"], 429), (["principal"], 429), (["client", "domain"], 429), (["route", "principal"], 429),
      ([], 503), (["domain"], 503), (["origin"], 503), (["route"], 503), (["upstream"], 503), (["endpoint"], 503),
    ] as [([String], Int)])
  func `a limit of one client is the client's own, every other the gateway's`(per: [String], status: Int) {
    let per = per.compactMap { Dimension(rawValue: $0) }
    #expect(Self.refusal("a", per, .streams(1)).status == status)
  }

  @Test func `the bound is told in few words`() {
    #expect(Self.refusal("a", [.client, .domain], .streams(6)).bound == "6 streams per client, domain")
    #expect(Self.refusal("a", [], .streams(1)).bound == "1 stream")
    #expect(Self.refusal("a", [.client], .connections(1)).bound == "1 connection per client")
    #expect(Self.refusal("a", [.client], .connections(20)).bound == "20 connections per client")
    #expect(Self.refusal("a", [.principal], Self.rate).bound == "10/s per principal")
  }

  @Test(
    arguments: [
      (
        refusal("six-per-tab-owner", [.client, .domain], .streams(6)),
        "limit six-per-tab-owner is full: 6 streams per client and domain are allowed "
          + "(limits.six-per-tab-owner.streams)"
      ),
      (
        refusal("one", [.client, .domain, .route], .streams(1)),
        "limit one is full: 1 stream per client, domain and route is allowed (limits.one.streams)"
      ),
      (
        refusal("all", [], .connections(9)),
        "limit all is full: 9 connections in the whole gateway are allowed (limits.all.connections)"
      ),
      (
        refusal("starts", [.principal], rate),
        "limit starts is used up: 10/s per principal are allowed (limits.starts.rate)"
      ),
      (
        refusal("chat-capacity", [.upstream], .streams(256), .wait(.seconds(5)), .crowded),
        "limit chat-capacity is full and 256 wait for it already: 256 streams per upstream are allowed "
          + "(limits.chat-capacity.waiting)"
      ),
      (
        refusal("chat-capacity", [.upstream], .streams(256), .wait(.seconds(5)), .waited),
        "limit chat-capacity is full and no room came in time (wait 5s): 256 streams per upstream are allowed "
          + "(limits.chat-capacity.when_full)"
      ),
      (
        refusal("six", [.client], .streams(6), .evictOldest, .crowded),
        "limit six is full and everything in it is being replaced already: 6 streams per client are allowed "
          + "(limits.six.streams)"
      ),
      (
        refusal("six", [.client], .streams(6), .evictOldest, .waited),
        "limit six is full and the oldest did not end in time: 6 streams per client are allowed (limits.six.streams)"
      ),
    ])
  func `a refusal names the limit, what is allowed and the setting`(refusal: LimitRefusal, text: String) {
    #expect(refusal.description == text)
  }
}
