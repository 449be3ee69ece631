import Testing

@testable import Load

@Suite struct ExpectationTests {
  /// An outcome of a plan with two domains and two source addresses, in which something happened.
  private func outcome(_ texts: [String] = [], change: (inout Tally, inout OpenCounts) -> Void) throws -> Outcome {
    var options = LoadOptions()
    options.urls = ["http://127.0.0.1:1/"]
    options.connections = "8"
    options.domains = "2"
    options.source = "127.0.0.1-127.0.0.2"
    options.timestampField = "t"
    options.expectations = texts
    let plan = try options.plan { option, file throws(LoadError) in [] }
    var tally = Tally()
    var counts = OpenCounts(plan)
    change(&tally, &counts)
    return Outcome(
      plan: plan, tally: tally, counts: counts, elapsed: .seconds(10), wasInterrupted: false,
      processorNanoseconds: 2_000_000_000, peakResidentBytes: 0, cores: 2)
  }

  private func judge(_ text: String, _ change: (inout Tally, inout OpenCounts) -> Void) throws -> Judgement {
    try #require(try outcome([text], change: change).judgements.first)
  }

  private static func place(_ domain: Int, _ source: Int) -> Assignment {
    Assignment(client: 0, targets: 1, domains: 1, sources: 1).with(domain: domain).with(source: source)
  }

  private static func open(_ counts: inout OpenCounts, domain: Int, source: Int = 0, times: Int) {
    counts.apply(Array(repeating: (place(domain, source), .opened), count: times))
  }

  @Test func `a bound per domain is judged for every domain`() throws {
    let busy = try judge("open<=6 per domain") { _, counts in
      Self.open(&counts, domain: 0, times: 6)
      Self.open(&counts, domain: 1, times: 7)
    }
    #expect(
      !busy.holds && busy.subject == "open of domain d2.example.test" && busy.got == "7" && busy.otherFailures == 0)
    #expect(
      busy.description
        == "failed: open<=6 per domain: open of domain d2.example.test: wanted <= 6, got 7")
    #expect(try judge("open <= 6 per domain") { _, counts in Self.open(&counts, domain: 0, times: 6) }.holds)
    // A planned domain at which nothing was open has zero.
    #expect(try !judge("open==6 per domain") { _, counts in Self.open(&counts, domain: 0, times: 6) }.holds)
  }

  @Test func `the browsers' six are counted per source address and domain`() throws {
    let text = "open<=6 per client,domain"
    let fill: (inout Tally, inout OpenCounts) -> Void = { _, counts in
      Self.open(&counts, domain: 0, source: 0, times: 6)
      Self.open(&counts, domain: 0, source: 1, times: 6)
    }
    #expect(try judge(text, fill).holds)
    #expect(try !judge("open<=6 per domain", fill).holds)
    #expect(try judge("open==12 for domain d1.example.test", fill).holds)
    #expect(try judge("open==6 for client 127.0.0.2", fill).holds)
  }

  @Test func `a place that is given on within a turn is not counted twice, one that is not is`() throws {
    let outcome = try outcome { _, counts in
      Self.open(&counts, domain: 0, times: 6)
      counts.apply([(Self.place(0, 0), .opened), (Self.place(0, 0), .closed)])
      #expect(counts.domains[0].peak == 6)
      counts.apply([(Self.place(0, 0), .closed)])
      counts.apply([(Self.place(0, 0), .opened)])
      counts.apply([(Self.place(0, 0), .opened)])
    }
    #expect(outcome.counts.domains[0].peak == 7 && outcome.counts.total.now == 7)
  }

  @Test func `refusals are judged by status and by limit, and by name where none occurred`() throws {
    let fill: (inout Tally, inout OpenCounts) -> Void = { tally, _ in
      tally.refusals = [
        Tally.Refusal(status: 429, limit: "six"): 4, Tally.Refusal(status: 429, limit: nil): 1,
        Tally.Refusal(status: 200, limit: "six"): 2,
      ]
    }
    for text in [
      "refused==7", "refused==6 for limit six", "refused==1 for limit unnamed", "refused==5 for status 429",
      "refused==0 for limit other", "refused>=1 per limit", "refused<=6 per limit", "evicted==0",
    ] { #expect(try judge(text, fill).holds, "\(text)") }
    #expect(try !judge("refused>=2 per limit", fill).holds)
    #expect(try !judge("evicted>=1 per limit", fill).holds)
  }

  @Test func `times are judged by their percentiles, and nothing measured is a failure`() throws {
    let fill: (inout Tally, inout OpenCounts) -> Void = { tally, _ in
      for milliseconds in 1...100 { tally.latencies.event.take(UInt64(milliseconds) * 1_000_000) }
    }
    #expect(try judge("event p50 <= 50.1ms", fill).holds)
    #expect(try !judge("event p99 < 98 ms", fill).holds)
    #expect(try judge("event max == 100ms", fill).holds)
    #expect(try judge("event mean > 50ms", fill).holds)
    let empty = try judge("connect p99 < 1s", fill)
    #expect(!empty.holds && empty.got == "nothing measured")
  }

  @Test func `rates and the tester's own time are judged`() throws {
    let fill: (inout Tally, inout OpenCounts) -> Void = { tally, _ in tally.events = 500 }
    #expect(try judge("events_per_second==50/s", fill).holds)
    #expect(try judge("cpu<=20%", fill).holds)
    #expect(try !judge("cpu<20%", fill).holds)
    #expect(try judge("events>499", fill).holds)
  }

  @Test(arguments: [
    "", "open", "open<=", "open<=x", "<=6", "opne<=6", "open<=6 per", "open<=6 per galaxy", "open<=6 by domain",
    "open<=6 for domain", "open p99<=6", "open<=6ms", "connect<=6ms", "connect p0<=6ms", "connect p101<6ms",
    "connect p99<=6", "cpu<=80", "lost==0 per domain", "errors==0 per status", "open=<6", "open<=6 per domain x",
    "event p99 max<1s", "refused<=-1",
  ]) func `what is not understood is refused with what is allowed`(text: String) {
    #expect {
      try Expectation(text)
    } throws: { error in
      guard case .usage("--expect", text, let allowed)? = error as? LoadError else { return false }
      return !allowed.isEmpty
    }
  }
}
