/// The final table.
public struct Report {
  private let outcome: Outcome
  private var lines: [String] = []

  /// The table of a test.
  public init(_ outcome: Outcome) {
    self.outcome = outcome
    addHead()
    addCounts()
    addLatencies()
    addTester()
  }

  /// The table, with a line end after each line.
  public var text: String { lines.map { $0 + "\n" }.joined() }

  private mutating func addHead() {
    let plan = outcome.plan
    let urls = plan.targets.map(\.text).joined(separator: " ")
    let interrupted = outcome.wasInterrupted ? ", interrupted" : ""
    lines.append(
      "\(outcome.tally.started) of \(plan.connections) clients, \(plan.mode.rawValue), "
        + "\(Words.decimal(outcome.elapsed.inSeconds, 1)) s\(interrupted): \(urls)")
    lines.append("")
  }

  private mutating func add(_ name: String, _ value: String) {
    lines.append("\(Words.pad(name, 14))\(value)")
  }

  private mutating func addCounts() {
    let tally = outcome.tally
    add("open", "\(outcome.counts.total.peak) at most, \(outcome.counts.total.now) at the end")
    add("streams", Self.list([("opened", tally.opened), ("ended", tally.ended), ("broke off", tally.cut)]))
    add(
      "requests",
      Self.list([
        ("sent", tally.requests), ("reconnects", tally.reconnects), ("completed", tally.completed),
        ("unfinished", tally.unfinished),
      ]))
    let seconds = Words.decimal(outcome.eventsPerSecond, outcome.eventsPerSecond < 10 ? 2 : 0)
    add("events", "\(tally.events), \(seconds)/s, \(tally.comments) comments, \(Words.mebibytes(tally.bytes)) received")
    if tally.marked > 0 || tally.gapEvents > 0 {
      add(
        "event ids",
        "\(tally.marked) numbered, \(tally.lost) lost, \(tally.duplicated) duplicated, \(tally.gapEvents) gaps told")
    }
    add("refused", Self.refusals(tally))
    if tally.evicted > 0 {
      add("evicted", Self.list(tally.evictions.sorted { $0.key < $1.key }.map { (Outcome.limit($0), $1) }))
    }
    if outcome.plan.misbehaviour.halfOpen > 0 { add("half-open", "\(tally.halfOpenCut) cut by the server") }
    let failures = tally.failures.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.rawValue, $1) }
    add("errors", failures.isEmpty ? "0" : "\(tally.errors): \(Self.list(failures))")
    lines.append("")
  }

  private mutating func addLatencies() {
    let titles = ["count", "mean", "p50", "p90", "p99", "p99.9", "max"]
    var rows: [[String]] = []
    for (path, name) in Latencies.all {
      let latency = outcome.tally.latencies[keyPath: path]
      guard latency.count > 0 else { continue }
      let times = [latency.mean] + [50, 90, 99, 99.9, 100].map { Double(latency.percentile($0)) }
      rows.append([name, "\(latency.count)"] + times.map(Words.time))
    }
    guard !rows.isEmpty else { return }
    lines.append(Self.row([""] + titles))
    lines += rows.map(Self.row)
    lines.append("")
  }

  private mutating func addTester() {
    let cores = outcome.cores
    let share = outcome.processorShare * 100
    add(
      "tester",
      "\(Words.decimal(share, 1)) % of a core (\(Words.decimal(share / Double(cores), 1)) % of \(cores)), "
        + "busiest second \(Words.decimal(outcome.tally.busiestSecond * 100, 0)) % of its core, "
        + "\(Words.mebibytes(outcome.peakResidentBytes)) at most")
    for warning in outcome.warnings { add("warning", warning) }
    for judgement in outcome.judgements { add("expectation", judgement.description) }
  }

  /// `429 × 12 (limit six), 503 × 1`.
  static func refusals(_ tally: Tally) -> String {
    guard !tally.refusals.isEmpty else { return "0" }
    let parts = tally.refusals.sorted { ($0.key.status, $0.key.limit ?? "") < ($1.key.status, $1.key.limit ?? "") }
      .map { refusal, count in
        "\(refusal.status) × \(count)\(refusal.limit.map { " (limit \($0))" } ?? "")"
      }
    return "\(tally.refused): \(parts.joined(separator: ", "))"
  }

  private static func list(_ parts: [(String, UInt64)]) -> String {
    parts.map { "\($1) \($0)" }.joined(separator: ", ")
  }

  private static func row(_ cells: [String]) -> String {
    let rest = cells.dropFirst().map { Words.pad($0, 10, right: true) }
    return Words.pad(cells[0], 12) + rest.joined()
  }
}
