/// What can be measured and expected.
struct Metric: Equatable, Sendable {
  /// What is measured.
  enum Kind: Equatable, Sendable {
    /// The most streams that were open at a time.
    case open
    /// The streams that were open when the test ended.
    case openAtEnd
    case opened
    case refused
    case evicted
    case errors
    case answers
    case eventsPerSecond
    /// The tester's processor time in percent of one core.
    case processor
    /// A plain count of the tally.
    case count(String)
    /// A distribution.
    case time(String)
  }

  /// Which number of a distribution is meant.
  enum Quantile: Equatable, Sendable {
    case percentile(Double)
    case mean
  }

  /// By what a metric can be split.
  enum Dimension: String, CaseIterable, Sendable {
    case domain
    /// The source address.
    case client
    case url
    /// Source address and domain: the browsers' six.
    case clientAndDomain = "client,domain"
    case status
    case limit
  }

  let kind: Kind
  var quantile = Quantile.percentile(100)

  /// The names of metrics, without those of times.
  static let counts: [String: Kind] = {
    var kinds: [String: Kind] = [
      "open": .open, "open_at_end": .openAtEnd, "refused": .refused, "evicted": .evicted, "errors": .errors,
      "answers": .answers, "events_per_second": .eventsPerSecond, "cpu": .processor,
    ]
    for (_, name) in Tally.counts { kinds[name] = name == "opened" ? .opened : .count(name) }
    return kinds
  }()

  /// The names of times.
  static let times: [String] = Latencies.all.map(\.name)

  /// By what this metric can be split.
  var dimensions: [Dimension] {
    switch kind {
    case .open, .openAtEnd, .opened: [.domain, .client, .url, .clientAndDomain]
    case .refused: Dimension.allCases
    case .evicted: [.limit]
    case .answers: [.status]
    case .errors, .eventsPerSecond, .processor, .count, .time: []
    }
  }

  /// Whether the number is a time in nanoseconds.
  var isTime: Bool { if case .time = kind { true } else { false } }

  /// A value as people read it.
  func text(_ value: Double) -> String {
    if isTime { return Words.time(value) }
    return kind == .processor ? "\(Words.decimal(value, 1))%" : Words.number(value)
  }
}

extension Outcome {
  /// The value of a metric over everything.
  func value(of metric: Metric) -> Double {
    switch metric.kind {
    case .open: return Double(counts.total.peak)
    case .openAtEnd: return Double(counts.total.now)
    case .opened: return Double(tally.opened)
    case .refused: return Double(tally.refused)
    case .evicted: return Double(tally.evicted)
    case .errors: return Double(tally.errors)
    case .answers: return Double(tally.statuses.values.reduce(0, +))
    case .eventsPerSecond: return eventsPerSecond
    case .processor: return processorShare * 100
    case .count(let name):
      guard let path = Tally.counts.first(where: { $0.name == name })?.path else { return 0 }
      return Double(tally[keyPath: path])
    case .time(let name):
      guard let path = Latencies.all.first(where: { $0.name == name })?.path else { return 0 }
      let latency = tally.latencies[keyPath: path]
      switch metric.quantile {
      case .percentile(let percent): return Double(latency.percentile(percent))
      case .mean: return latency.mean
      }
    }
  }

  /// The values of a metric that is split, by the names of the parts: all that are planned, and for statuses and limits
  /// all that occurred.
  func values(of metric: Metric, by dimension: Metric.Dimension) -> [(name: String, value: Double)] {
    switch dimension {
    case .domain: gauges(counts.domains, plan.domains.map(\.name), metric)
    case .client: gauges(counts.sources, plan.clientNames, metric)
    case .url: gauges(counts.targets, plan.targets.map(\.text), metric)
    case .clientAndDomain:
      counts.pairs.sorted { $0.key < $1.key }.map { pair, gauge in
        let (source, domain) = pair.quotientAndRemainder(dividingBy: plan.domains.count)
        return ("\(plan.clientNames[source]),\(plan.domains[domain].name)", Self.value(gauge, metric))
      }
    case .status: statuses(metric)
    case .limit: limits(metric)
    }
  }

  private func gauges(_ gauges: [OpenCounts.Gauge], _ names: [String], _ metric: Metric) -> [(String, Double)] {
    zip(names, gauges).map { ($0, Self.value($1, metric)) }
  }

  private static func value(_ gauge: OpenCounts.Gauge, _ metric: Metric) -> Double {
    switch metric.kind {
    case .open: Double(gauge.peak)
    case .openAtEnd: Double(gauge.now)
    case .refused: Double(gauge.refused)
    default: Double(gauge.opened)
    }
  }

  private func statuses(_ metric: Metric) -> [(String, Double)] {
    guard metric.kind == .refused else {
      return tally.statuses.sorted { $0.key < $1.key }.map { ("\($0)", Double($1)) }
    }
    return refusals { "\($0.status)" }
  }

  private func limits(_ metric: Metric) -> [(String, Double)] {
    guard metric.kind == .refused else {
      return tally.evictions.sorted { $0.key < $1.key }.map { (Self.limit($0), Double($1)) }
    }
    return refusals { Self.limit($0.limit ?? "") }
  }

  private func refusals(_ name: (Tally.Refusal) -> String) -> [(String, Double)] {
    Dictionary(tally.refusals.map { (name($0), Double($1)) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
      .map { ($0, $1) }
  }

  /// How a limit is called in reports; refusals that name none are the unnamed ones.
  static func limit(_ name: String) -> String { name.isEmpty ? "unnamed" : name }
}
