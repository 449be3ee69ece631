/// A rule about how many there may be for each value of some dimensions, by the name an operator gave it.
public struct Limit: Sendable, Equatable {
  /// What a limit counts, and how many of them there may be for each key.
  public enum Counts: Sendable, Equatable {
    /// Event streams at a time, or requests to an upstream where the limit is about these; 1 to `maximum`.
    case streams(Int)
    /// Connections at a time; 1 to `maximum`.
    case connections(Int)
    /// Starts in a time; `burst` may come at once, 1 to `maximum`.
    case rate(Rate, burst: Int)
  }

  /// The word for this limit in settings, refusals, metrics, logs and tests: 1 to 64 letters, digits, `_` and `-`.
  public let name: String
  /// What it tells claimants apart by, each dimension once; empty for the gateway as a whole.
  public let per: [Dimension]
  /// What it counts, and its bound.
  public let counts: Counts
  /// What becomes of a claim that finds no room.
  public let whenFull: WhenFull
  /// How many may wait for each key; 1 to `maximum`, without meaning where nobody waits.
  public let waiting: Int

  /// The largest bound.
  public static let maximum = 1_000_000
  /// How many limits there may be.
  public static let maximumLimits = 64

  /// Puts a limit together.
  ///
  /// - Parameters:
  ///   - name: its word.
  ///   - per: what it tells claimants apart by.
  ///   - counts: what it counts, and its bound.
  ///   - whenFull: what becomes of a claim that finds no room; only streams can be evicted.
  ///   - waiting: how many may wait for each key; `nil` for `defaultWaiting`.
  public init(name: String, per: [Dimension], counts: Counts, whenFull: WhenFull, waiting: Int? = nil) {
    let waiting = waiting ?? Limit.defaultWaiting(counts: counts, whenFull: whenFull)
    precondition(Set(per).count == per.count, "a limit has each dimension once")
    precondition((1...Limit.maximum).contains(counts.bound), "a limit has a bound of 1 to \(Limit.maximum)")
    precondition((1...Limit.maximum).contains(waiting), "1 to \(Limit.maximum) may wait at a limit")
    self.name = name
    self.per = per
    self.counts = counts
    self.whenFull = whenFull
    self.waiting = waiting
  }

  /// How many may wait where nothing is said: as many as the bound, or as many starts as a rate lets in meanwhile.
  public static func defaultWaiting(counts: Counts, whenFull: WhenFull) -> Int {
    guard case .rate(let rate, _) = counts, case .wait(let time) = whenFull else { return counts.bound }
    return min(max(1, rate.count(in: time)), maximum)
  }

  /// Whether a text can name a limit.
  public static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
  }

  /// Which claims it counts: the dimensions say what must be known.
  public var group: LimitGroup {
    if case .connections = counts { return .connection }
    if per.contains(.endpoint) { return .endpoint }
    return per.contains(.upstream) ? .upstream : .stream
  }

  /// Whether another limit is this one with other numbers, so that what was counted for one counts for the other.
  func continues(_ other: Limit) -> Bool {
    name == other.name && Set(per) == Set(other.per) && counts.word == other.counts.word
  }
}

extension Limit.Counts {
  /// The key of the settings that gives the bound.
  public var word: String {
    switch self {
    case .streams: "streams"
    case .connections: "connections"
    case .rate: "rate"
    }
  }

  /// How many there may be at a time, or at once.
  public var bound: Int {
    switch self {
    case .streams(let bound), .connections(let bound), .rate(_, let bound): bound
    }
  }
}
