import Testing

@testable import Load

@Suite struct ReportTests {
  private func outcome() throws -> Outcome {
    var options = LoadOptions()
    options.urls = ["http://127.0.0.1:1/\"quoted\""]
    options.connections = "4"
    options.expectations = ["refused==0", "lost==0"]
    let plan = try options.plan { option, file throws(LoadError) in [] }
    var left = Tally()
    left.refusals = [Tally.Refusal(status: 429, limit: "six"): 2]
    left.statuses = [200: 3, 429: 2]
    left.failures = [.noPorts: 1]
    left.events = 10
    left.latencies.connect.take(1_000_000)
    var right = left
    right.latencies.connect.take(9_000_000)
    right.busiestSecond = 0.93
    left.add(right)
    return Outcome(
      plan: plan, tally: left, counts: OpenCounts(plan), elapsed: .seconds(2), wasInterrupted: true,
      processorNanoseconds: 1_000_000_000, peakResidentBytes: 1 << 20, cores: 2)
  }

  @Test func `numbers and times are written for people`() {
    #expect([0.0, 0.5, 999.6].map { Words.decimal($0, 0) } == ["0", "1", "1000"])
    #expect([0.0, 1.005, 12.349, -0.04].map { Words.decimal($0, 1) } == ["0.0", "1.0", "12.3", "0.0"])
    #expect(
      [0.0, 999, 1500, 99_950, 1.5e6, 2.5e8, 1.2e10].map(Words.time)
        == ["0 ns", "999 ns", "1.50 µs", "100.0 µs", "1.50 ms", "250 ms", "12.0 s"])
  }

  @Test func `the tallies of threads add up`() throws {
    let tally = try outcome().tally
    #expect(tally.refused == 4 && tally.events == 20 && tally.statuses == [200: 6, 429: 4] && tally.errors == 2)
    #expect(tally.latencies.connect.count == 3 && tally.latencies.connect.maximum == 9_000_000)
    #expect(tally.busiestSecond == 0.93)
  }

  @Test func `the table names refusals, errors, advice and expectations`() throws {
    let text = Report(try outcome()).text
    for part in [
      "interrupted", "4: 429 × 4 (limit six)", "2: 2 no_ports", "--source 127.0.0.1-127.0.0.20",
      "may be the bottleneck",
      "failed: refused==0: refused: wanted == 0, got 4", "held: lost==0", "50.0 % of a core (25.0 % of 2)",
    ] { #expect(text.contains(part), "\(part)") }
  }

  @Test func `the JSON is one line with the same figures`() throws {
    let text = JSONReport(try outcome()).text
    for part in [
      #"{"urls":["http://127.0.0.1:1/\"quoted\""]"#, #""refused":[{"status":429,"limit":"six","count":4}]"#,
      #""event":null"#, #""errors":{"no_ports":2}"#, #""held":false"#, #""events_per_second":10"#,
    ] { #expect(text.contains(part), "\(part)") }
    #expect(text.last == "\n" && text.dropLast().contains("\n") == false)
  }

  @Test func `the display is one line of bounded width`() throws {
    let outcome = try outcome()
    var progress = Progress(outcome.plan)
    let line = progress.line(elapsed: .seconds(5), outcome.tally, open: 3, width: 200)
    #expect(line.hasPrefix("[##########----------] 5s/10s | open 3/4 | 4 events/s | connect p50 1.00 ms"))
    #expect(line.contains("429 × 4 (limit six)") && line.contains("errors 2"))
    #expect(progress.line(elapsed: .seconds(6), outcome.tally, open: 3, width: 30).count == 30)
  }
}
