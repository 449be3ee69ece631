import Admission

extension Limit {
  private static let nameAllowed = "a name of 1 to 64 letters, digits, _ and -"
  private static let numberAllowed = "a whole number from 1 to \(Limit.maximum)"

  /// Reads the limits of a file, each name once; none where it has no such key.
  static func list(_ reader: SettingsReader) -> [Limit] {
    let summary = "How many there may be of what, for the gateway as a whole or for each of something."
    guard reader.has("limits") else {
      _ = reader.ask("limits", summary, default: nil, allowed: "a list of 0 to \(Limit.maximumLimits) mappings")
      return []
    }
    return reader.sections("limits", count: 0...Limit.maximumLimits, once: (key: "name", of: \.name), summary) {
      Limit($0)
    }
  }

  /// Reads one limit; `nil` if a part without default was missing or wrong, which the reader has noted.
  init?(_ reader: SettingsReader) {
    let name: String? = reader.required("name", allowed: Limit.nameAllowed, "Its word in refusals, metrics and logs.") {
      Limit.isName($0) ? $0 : nil
    }
    let per = Limit.dimensions(reader)
    let counts = Limit.counts(reader)
    let whenFull = reader.text(
      "when_full", default: WhenFull.refuse, allowed: WhenFull.allowed,
      "What becomes of one more: it is refused, takes the place of the oldest, or waits its turn for a time."
    ) { WhenFull($0) }
    let waiting = Limit.number(
      reader, "waiting",
      "How many may wait for each; without it, as many as the bound, or as a rate lets in meanwhile.")
    guard let name, let counts else { return nil }
    if reader.isClean {
      Limit.refuseContradictions(reader, per: per, counts: counts, whenFull: whenFull, waiting: waiting)
    }
    guard reader.isClean else { return nil }
    self.init(name: name, per: per, counts: counts, whenFull: whenFull, waiting: waiting)
  }

  private static func dimensions(_ reader: SettingsReader) -> [Dimension] {
    let words = Dimension.allCases.map(\.rawValue).joined(separator: ", ")
    return reader.values(
      "per", default: [], count: 0...Dimension.allCases.count, allowed: "one of \(words)",
      "For each of what there may be so many; an IPv6 client is its /64. Without it, for the whole gateway."
    ) { (text: String) throws(Mismatch) -> Dimension in
      guard let dimension = Dimension(rawValue: text) else { throw Mismatch("one of \(words)") }
      return dimension
    }
  }

  /// Reads what is counted; `nil` unless it is exactly one thing.
  private static func counts(_ reader: SettingsReader) -> Counts? {
    let streams = number(
      reader, "streams", "How many event streams there may be at a time, or requests to an upstream.")
    let connections = number(reader, "connections", "How many connections there may be at a time.")
    let rate: Rate? = reader.optional(
      "rate", allowed: Rate.allowed, "How many may start in a second, minute or hour."
    ) {
      Rate($0)
    }
    let burst = number(
      reader, "burst", "How many of a rate may come at once; without it, those of a second, rounded up.")
    let given = ["streams", "connections", "rate"].filter { reader.has($0) }
    guard given.count == 1 else {
      reader.refuse(
        given.last ?? "streams", given: given.isEmpty ? "nothing" : given.joined(separator: " and "),
        allowed: "exactly one of streams, connections and rate")
      return nil
    }
    if reader.has("burst"), given != ["rate"] {
      reader.refuse("burst", given: "burst with \(given[0])", allowed: "burst only with rate")
    }
    return streams.map { .streams($0) } ?? connections.map { .connections($0) }
      ?? rate.map { .rate($0, burst: burst ?? $0.defaultBurst) }
  }

  private static func refuseContradictions(
    _ reader: SettingsReader, per: [Dimension], counts: Counts, whenFull: WhenFull, waiting: Int?
  ) {
    if case .connections = counts, whenFull != .refuse {
      reader.refuse(
        "when_full", given: "\(whenFull) with connections",
        allowed: "refuse; what comes before a request can neither wait nor be told to end")
    } else if whenFull == .evictOldest, counts.word != "streams" {
      reader.refuse(
        "when_full", given: "evict-oldest with \(counts.word)", allowed: "refuse or wait; only streams can be evicted")
    }
    if waiting != nil, !whenFull.isWait {
      reader.refuse("waiting", given: "waiting with \(whenFull)", allowed: "waiting only where when_full is wait")
    }
    if case .connections = counts, let unknown = per.first(where: { $0 != .client && $0 != .domain }) {
      reader.refuse(
        "per", given: "\(unknown.rawValue) with connections",
        allowed: "client and domain; nothing else is known of a connection")
    }
  }

  private static func number(_ reader: SettingsReader, _ key: String, _ summary: String) -> Int? {
    reader.optional(key, allowed: numberAllowed, summary) { text in
      guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let number = Int(text),
        (1...maximum).contains(number)
      else { return nil }
      return number
    }
  }
}

extension WhenFull {
  private static let bounds = Duration.milliseconds(100) ... .seconds(600)

  static let allowed =
    "refuse, evict-oldest, or wait and \(UnitScale.milliseconds.allowed(in: bounds)), such as wait 5s"

  /// Reads a choice as it stands in the settings.
  init?(_ text: String) {
    let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    switch (words[0], words.count) {
    case ("refuse", 1): self = .refuse
    case ("evict-oldest", 1): self = .evictOldest
    case ("wait", 2):
      guard let time = UnitScale.milliseconds.duration(of: String(words[1]), in: WhenFull.bounds) else { return nil }
      self = .wait(time)
    default: return nil
    }
  }

  fileprivate var isWait: Bool {
    if case .wait = self { true } else { false }
  }
}
