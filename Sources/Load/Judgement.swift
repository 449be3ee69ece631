/// Whether an expectation was met.
struct Judgement: Equatable, Sendable {
  let expectation: Expectation
  let holds: Bool
  /// What was judged: the metric, or the part of it that is furthest from what was expected.
  let subject: String
  /// The subject's value as people read it.
  let got: String
  /// How many other parts fail.
  let otherFailures: Int

  /// The line that says so.
  var description: String {
    let others = otherFailures > 0 ? " (and \(otherFailures) more)" : ""
    let wanted = "\(expectation.comparison.rawValue) \(expectation.metric.text(expectation.bound))"
    return holds
      ? "held: \(expectation.text)" : "failed: \(expectation.text): \(subject): wanted \(wanted), got \(got)\(others)"
  }

  /// Judges.
  init(_ expectation: Expectation, _ outcome: Outcome) {
    let metric = expectation.metric
    let name = expectation.text.prefix { !"<>=".contains($0) }.split(separator: " ").joined(separator: " ")
    var parts: [(name: String, value: Double)]
    switch expectation.scope {
    case .everything: parts = [(name, outcome.value(of: metric))]
    case .each(let dimension):
      parts = outcome.values(of: metric, by: dimension).map {
        ("\(name) of \(dimension.rawValue) \($0.name)", $0.value)
      }
      // Where nothing occurred, that is what is judged.
      if parts.isEmpty { parts = [("\(name) of any \(dimension.rawValue)", 0)] }
    case .one(let dimension, let key):
      let value = outcome.values(of: metric, by: dimension).first { $0.name == key }?.value ?? 0
      parts = [("\(name) of \(dimension.rawValue) \(key)", value)]
    }
    // A distribution of nothing has no percentiles: expecting one is expecting that there is something.
    let isEmpty = metric.isTime && outcome.count(of: metric) == 0
    let failures = parts.filter { isEmpty || !expectation.comparison.holds($0.value, expectation.bound) }
    let worst = failures.max { abs($0.value - expectation.bound) < abs($1.value - expectation.bound) }
    let shown = worst ?? parts[0]
    self.expectation = expectation
    holds = failures.isEmpty
    subject = shown.name
    got = isEmpty ? "nothing measured" : metric.text(shown.value)
    otherFailures = max(0, failures.count - 1)
  }
}

extension Outcome {
  /// How many times a distribution has taken.
  fileprivate func count(of metric: Metric) -> UInt64 {
    guard case .time(let name) = metric.kind, let path = Latencies.all.first(where: { $0.name == name })?.path
    else { return 0 }
    return tally.latencies[keyPath: path].count
  }
}
