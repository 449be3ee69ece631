internal import Bytes
internal import Wire

/// A test's outcome for machines: one JSON object, times in nanoseconds.
public struct JSONReport {
  fileprivate indirect enum Value {
    case object([(String, Value)])
    case array([Value])
    case text(String)
    case number(Double)
    case boolean(Bool)
    case null
  }

  private let root: Value

  /// The object of a test.
  public init(_ outcome: Outcome) {
    let plan = outcome.plan
    let tally = outcome.tally
    root = .object([
      ("urls", .array(plan.targets.map { .text($0.text) })),
      ("mode", .text(plan.mode.rawValue)),
      ("clients", .object([("planned", .count(plan.connections)), ("started", .count(tally.started))])),
      ("seconds", .number(outcome.elapsed.inSeconds)),
      ("interrupted", .boolean(outcome.wasInterrupted)),
      ("open", .object([("peak", .count(outcome.counts.total.peak)), ("at_end", .count(outcome.counts.total.now))])),
      ("counts", .object(Tally.counts.map { ($0.name, .count(tally[keyPath: $0.path])) })),
      ("events_per_second", .number(outcome.eventsPerSecond)),
      ("statuses", Self.counts(tally.statuses.map { ("\($0)", $1) })),
      ("refused", Self.refusals(tally)),
      ("evicted", Self.counts(tally.evictions.map { (Outcome.limit($0), $1) })),
      ("errors", Self.counts(tally.failures.map { ($0.rawValue, $1) })),
      ("domains", Self.gauges(outcome, .domain)),
      ("source_addresses", Self.gauges(outcome, .client)),
      ("latencies", .object(Latencies.all.map { ($0.name, Self.latency(tally.latencies[keyPath: $0.path])) })),
      ("tester", Self.tester(outcome)),
      ("expectations", .array(outcome.judgements.map(Self.judgement))),
    ])
  }

  /// The text, one line with a line end.
  public var text: String {
    var output: [UInt8] = []
    Self.append(root, to: &output)
    output.append(ASCII.lineFeed)
    return String(output.span)
  }

  private static func counts(_ counts: [(String, UInt64)]) -> Value {
    .object(counts.sorted { $0.0 < $1.0 }.map { ($0, .count($1)) })
  }

  private static func refusals(_ tally: Tally) -> Value {
    .array(
      tally.refusals.sorted { ($0.key.status, $0.key.limit ?? "") < ($1.key.status, $1.key.limit ?? "") }
        .map { refusal, count in
          .object([
            ("status", .count(refusal.status)), ("limit", refusal.limit.map { .text($0) } ?? .null),
            ("count", .count(count)),
          ])
        })
  }

  private static func gauges(_ outcome: Outcome, _ dimension: Metric.Dimension) -> Value {
    let peaks = outcome.values(of: Metric(kind: .open), by: dimension)
    let ends = outcome.values(of: Metric(kind: .openAtEnd), by: dimension)
    let refused = outcome.values(of: Metric(kind: .refused), by: dimension)
    return .object(
      peaks.indices.map { index in
        (
          peaks[index].name,
          .object([
            ("open_peak", .number(peaks[index].value)), ("open_at_end", .number(ends[index].value)),
            ("refused", .number(refused[index].value)),
          ])
        )
      })
  }

  private static func latency(_ latency: Latency) -> Value {
    guard latency.count > 0 else { return .null }
    let percentiles: [(String, Double)] = [
      ("p50", 50), ("p75", 75), ("p90", 90), ("p95", 95), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99),
    ]
    var members: [(String, Value)] = [("count", .count(latency.count)), ("mean", .number(latency.mean.rounded()))]
    for (name, percent) in percentiles { members.append((name, .count(latency.percentile(percent)))) }
    members.append(("max", .count(latency.maximum)))
    return .object(members)
  }

  private static func tester(_ outcome: Outcome) -> Value {
    .object([
      ("cpu_percent_of_a_core", .number(outcome.processorShare * 100)),
      ("cores", .count(outcome.cores)),
      ("threads", .count(outcome.plan.threads)),
      ("busiest_second_percent", .number(outcome.tally.busiestSecond * 100)),
      ("peak_resident_bytes", .count(outcome.peakResidentBytes)),
      ("warnings", .array(outcome.warnings.map { .text($0) })),
    ])
  }

  private static func judgement(_ judgement: Judgement) -> Value {
    .object([
      ("expectation", .text(judgement.expectation.text)), ("held", .boolean(judgement.holds)),
      ("subject", .text(judgement.subject)), ("got", .text(judgement.got)),
      ("other_failures", .count(judgement.otherFailures)),
    ])
  }

  private static func append(_ value: Value, to output: inout [UInt8]) {
    switch value {
    case .object(let members):
      output.append("{")
      for (index, (name, value)) in members.enumerated() {
        if index > 0 { output.append(",") }
        JSONScanner.append(quoted: Array(name.utf8).span, to: &output)
        output.append(":")
        append(value, to: &output)
      }
      output.append("}")
    case .array(let values):
      output.append("[")
      for (index, value) in values.enumerated() {
        if index > 0 { output.append(",") }
        append(value, to: &output)
      }
      output.append("]")
    case .text(let text): JSONScanner.append(quoted: Array(text.utf8).span, to: &output)
    case .number(let number): output.append(number == number.rounded() ? Words.decimal(number, 0) : "\(number)")
    case .boolean(let truth): output.append(truth ? "true" : "false")
    case .null: output.append("null")
    }
  }
}

extension JSONReport.Value {
  fileprivate static func count(_ count: some BinaryInteger) -> Self { .number(Double(count)) }
}
