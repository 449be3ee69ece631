import Testing

@testable import Load

@Suite struct PacerTests {
  @Test func `without a rate all come at once`() {
    let pacer = Pacer(total: 7, perSecond: nil)
    #expect(pacer.due(at: .zero) == 7)
    #expect(pacer.moment(after: 3) == .zero)
    #expect(pacer.length == .zero)
  }

  @Test func `with a rate one comes at once and the others at even distances`() {
    let pacer = Pacer(total: 5, perSecond: 4)
    #expect(
      [0, 249, 250, 499, 500, 999, 1000, 9000].map { pacer.due(at: .milliseconds($0)) } == [1, 1, 2, 2, 3, 4, 5, 5])
    #expect(pacer.moment(after: 1) == .milliseconds(250))
    #expect(pacer.moment(after: 5) == nil)
    #expect(pacer.length == .milliseconds(1000))
  }

  @Test(arguments: [0.3, 7, 333, 1000.0 / 3, 77_777]) func `at its moment each one is due`(rate: Double) throws {
    let pacer = Pacer(total: 1000, perSecond: rate)
    for started in 0..<1000 {
      let moment = try #require(pacer.moment(after: started))
      #expect(pacer.due(at: moment) >= started + 1)
    }
    #expect(pacer.due(at: .seconds(1_000_000_000)) == 1000)
  }

  @Test(arguments: [(1, 1, 1), (2, 50, 200), (1, 9, 10), (3, 6, 4), (2, 2, 2)])
  func `so many clients as there are combinations meet each of them once`(parts: (Int, Int, Int)) {
    let (targets, domains, sources) = parts
    var seen: Set<[Int]> = []
    for client in 0..<(targets * domains * sources) {
      let dealt = Assignment(client: client, targets: targets, domains: domains, sources: sources)
      seen.insert([dealt.target, dealt.domain, dealt.source])
    }
    #expect(seen.count == targets * domains * sources)
  }

  @Test func `few clients are spread evenly over the sources too`() {
    let sources = (0..<10).map { Assignment(client: $0, targets: 1, domains: 5000, sources: 10).source }
    #expect(Set(sources).count == 10)
  }

  @Test func `shares of misbehaving clients are exact`() throws {
    var options = LoadOptions()
    options.urls = ["http://127.0.0.1/"]
    options.connections = "200"
    options.slow = "35%"
    options.halfOpen = "25%"
    let plan = try options.plan { option, file throws(LoadError) in [] }
    let conducts = (0..<200).map(plan.conduct)
    #expect(conducts.count { $0 == .slow } == 70)
    #expect(conducts.count { $0 == .halfOpen } == 50)
    #expect(conducts.prefix(20).count { $0 == .slow } == 7)
  }
}
