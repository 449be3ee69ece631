/// An assertion about a test's outcome: `open<=6 per domain`, `first_event p99 < 50ms`, `refused>=1 for limit six`.
struct Expectation: Equatable, Sendable {
  enum Comparison: String, CaseIterable, Sendable {
    case atMost = "<="
    case atLeast = ">="
    case equal = "=="
    case below = "<"
    case above = ">"

    func holds(_ left: Double, _ right: Double) -> Bool {
      switch self {
      case .atMost: left <= right
      case .atLeast: left >= right
      case .equal: left == right
      case .below: left < right
      case .above: left > right
      }
    }
  }

  /// Of what it is expected.
  enum Scope: Equatable, Sendable {
    case everything
    /// Of every part for itself.
    case each(Metric.Dimension)
    /// Of one part, which may be one that never occurs.
    case one(Metric.Dimension, String)
  }

  /// As it was given.
  let text: String
  let metric: Metric
  let comparison: Comparison
  /// In nanoseconds for times, percent for `cpu`.
  let bound: Double
  let scope: Scope

  /// Reads an assertion.
  ///
  /// - Throws: `LoadError.usage`, which says what is allowed at the place that was not understood.
  init(_ text: String) throws(LoadError) {
    let option = OptionReader(option: "--expect")
    let form = "METRIC [pN|max|mean] OP NUMBER[UNIT] [per DIMENSION | for DIMENSION NAME], OP one of <= >= == < >"
    guard let start = text.firstIndex(where: { "<>=".contains($0) }),
      let comparison = Comparison.allCases.first(where: { text[start...].hasPrefix($0.rawValue) })
    else { throw option.refuse(text, allowed: form) }
    let right = text[text.index(start, offsetBy: comparison.rawValue.count)...].split(separator: " ").map(String.init)
    guard !right.isEmpty else { throw option.refuse(text, allowed: form) }
    let metric = try Self.metric(text[..<start].split(separator: " ").map(String.init), of: text)
    // A unit may stand apart from its number.
    let hasUnitApart = right.count > 1 && right[0].last?.isNumber == true && right[1] != "per" && right[1] != "for"
    let number = hasUnitApart ? right[0] + right[1] : right[0]
    self.text = text
    self.metric = metric
    self.comparison = comparison
    bound = try Self.bound(number, metric, of: text)
    scope = try Self.scope(Array(right.dropFirst(hasUnitApart ? 2 : 1)), metric, of: text)
  }

  private static func metric(_ words: [String], of text: String) throws(LoadError) -> Metric {
    let option = OptionReader(option: "--expect")
    guard let name = words.first, words.count <= 2 else {
      throw option.refuse(text, allowed: "a metric before the operator")
    }
    if let kind = Metric.counts[name] {
      guard words.count == 1 else { throw option.refuse(text, allowed: "\(name) without \(words[1])") }
      return Metric(kind: kind)
    }
    guard Metric.times.contains(name) else {
      let known = Metric.times + Metric.counts.keys.sorted()
      throw option.refuse(text, allowed: "one of the metrics \(known.joined(separator: ", "))")
    }
    switch words.last {
    case "max": return Metric(kind: .time(name), quantile: .percentile(100))
    case "mean": return Metric(kind: .time(name), quantile: .mean)
    case let word? where word.hasPrefix("p"):
      if words.count == 2, let percent = Double(word.dropFirst()), percent > 0, percent <= 100 {
        return Metric(kind: .time(name), quantile: .percentile(percent))
      }
      fallthrough
    default: throw option.refuse(text, allowed: "\(name) with p1 to p100 (also p99.9), max or mean")
    }
  }

  private static func bound(_ number: String, _ metric: Metric, of text: String) throws(LoadError) -> Double {
    let option = OptionReader(option: "--expect")
    guard let quantity = Quantity(number) else { throw option.refuse(text, allowed: "a number after the operator") }
    if metric.isTime {
      guard let nanoseconds = quantity.nanoseconds else {
        throw option.refuse(text, allowed: "a time with its unit (ns, us, ms, s, m)")
      }
      return Double(nanoseconds)
    }
    let units: [String] =
      switch metric.kind {
      case .processor: ["%"]
      case .eventsPerSecond: ["", "/s"]
      default: [""]
      }
    guard units.contains(quantity.unit) else {
      throw option.refuse(
        text, allowed: metric.kind == .processor ? "percent of a core, as in 80%" : "a number without a unit")
    }
    return quantity.number
  }

  private static func scope(_ words: [String], _ metric: Metric, of text: String) throws(LoadError) -> Scope {
    if words.isEmpty { return .everything }
    let option = OptionReader(option: "--expect")
    guard words.count >= 2, words[0] == "per" ? words.count == 2 : words[0] == "for" && words.count >= 3 else {
      throw option.refuse(text, allowed: "per DIMENSION, or for DIMENSION NAME, after the number")
    }
    guard let dimension = metric.dimensions.first(where: { $0.rawValue == words[1] }) else {
      let allowed = metric.dimensions.map(\.rawValue).joined(separator: ", ")
      throw option.refuse(text, allowed: allowed.isEmpty ? "this metric without per and for" : "one of \(allowed)")
    }
    return words[0] == "per" ? .each(dimension) : .one(dimension, words[2...].joined(separator: " "))
  }
}
