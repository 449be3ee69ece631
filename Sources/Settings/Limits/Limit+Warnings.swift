import Admission

extension Limit {
  /// What is likely to go wrong with limits, in the order of the settings.
  ///
  /// - Parameters:
  ///   - limits: those of a file.
  ///   - identity: what makes a principal.
  /// - Returns: the warnings, keyed by `limits[0]` and so on.
  static func warnings(of limits: [Limit], identity: IdentitySettings) -> [SettingsWarning] {
    limits.enumerated().flatMap { index, limit -> [SettingsWarning] in
      var warnings: [SettingsWarning] = []
      func warn(_ key: String, _ text: String) {
        warnings.append(SettingsWarning(key: "limits[\(index)].\(key)", text: text))
      }
      if limit.whenFull == .evictOldest, !limit.isOfOneClient {
        warn(
          "when_full",
          "the oldest stream that ends for a new one can be anybody's, so strangers end each other's; tell them apart "
            + "by client or principal, or refuse")
      }
      if limit.per.contains(.principal), identity.headers.isEmpty, identity.cookies.isEmpty {
        warn("per", "without identity.headers and identity.cookies all clients are one principal; name what they send")
      }
      if limit.per.contains(.principal), !limits.contains(where: { $0.per.contains(.client) }) {
        warn(
          "per",
          "a client that sends another \(identity.words) is another principal, and no limit is per client; add one")
      }
      if let other = limits.enumerated().first(where: { limit.isHidden(by: $1, isLater: $0 < index) })?.element {
        warn(limit.counts.word, "\(other.name) is full before this one can be; raise that or remove this one")
      }
      return warnings
    }
  }

  private var isOfOneClient: Bool {
    per.contains(.client) || per.contains(.principal)
  }

  /// Whether another limit always fills up before this one.
  ///
  /// It does if it counts the same for each of fewer things, with a bound that is no higher.
  ///
  /// - Parameters:
  ///   - other: another limit.
  ///   - isLater: whether this one comes after it; of two equal ones the first is full first.
  /// - Returns: whether this one can be left out.
  private func isHidden(by other: Limit, isLater: Bool) -> Bool {
    guard group == other.group, counts.word == other.counts.word, Set(other.per).isSubset(of: per),
      isLater || Set(other.per) != Set(per) || other.isTighter(than: self, orEqual: false)
    else { return false }
    return self != other && other.isTighter(than: self, orEqual: true)
  }

  private func isTighter(than other: Limit, orEqual: Bool) -> Bool {
    switch (counts, other.counts) {
    case (.rate(let rate, let burst), .rate(let otherRate, let otherBurst)):
      let (own, others) = (rate.count * otherRate.unit.seconds, otherRate.count * rate.unit.seconds)
      return own <= others && burst <= otherBurst && (orEqual || own < others || burst < otherBurst)
    default:
      return counts.bound < other.counts.bound || orEqual && counts.bound == other.counts.bound
    }
  }
}

extension IdentitySettings {
  fileprivate var words: String {
    let names = headers + cookies
    return names.isEmpty ? "identity" : names.joined(separator: " or ")
  }
}
