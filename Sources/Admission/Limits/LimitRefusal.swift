/// Why a claim was refused: the limit that had no room.
public struct LimitRefusal: Error, Sendable, Equatable {
  /// What stood in the way.
  public enum Reason: Sendable, Equatable {
    /// There is no room.
    case full
    /// There is no room, and as many as may wait for it already.
    case crowded
    /// There was no room as long as the claim waited.
    case waited
  }

  /// The limit.
  public let limit: Limit
  /// What stood in the way.
  public let reason: Reason
  /// When another try makes sense, in seconds: one exact moment for a rate, else a range to choose from by chance.
  public let retryAfterSeconds: ClosedRange<Int>

  /// What `retryAfterSeconds` is for slots: nobody knows when one becomes free, so clients are spread.
  static let retryForSlot = 1...5

  /// The status that says whose limit it is: the client's own (429, RFC 6585 §4) or the gateway's (503).
  public var status: Int {
    limit.per.contains(.client) || limit.per.contains(.principal) ? 429 : 503
  }

  /// The bound in few words: `6 streams per client, domain` or `10/s per principal`.
  public var bound: String {
    let dimensions = limit.per.map(\.rawValue).joined(separator: ", ")
    return "\(limit.counts.amount)\(dimensions.isEmpty ? "" : " per \(dimensions)")"
  }

  /// The path of the setting that would change the outcome, its item named by the limit.
  public var setting: String {
    let key =
      switch (reason, limit.whenFull) {
      case (.crowded, .wait): "waiting"
      case (.waited, .wait): "when_full"
      default: limit.counts.word
      }
    return "limits.\(limit.name).\(key)"
  }
}

extension LimitRefusal: CustomStringConvertible {
  /// A sentence for people: what is full, what is allowed, and the setting.
  public var description: String {
    let verb = limit.counts.isOne ? "is" : "are"
    return "limit \(limit.name) \(obstacle): \(limit.counts.amount)\(limit.keys) \(verb) allowed (\(setting))"
  }

  private var obstacle: String {
    let full = if case .rate = limit.counts { "is used up" } else { "is full" }
    switch (reason, limit.whenFull) {
    case (.full, _): return full
    case (.crowded, .wait): return "\(full) and \(limit.waiting) wait for it already"
    case (.crowded, _): return "\(full) and everything in it is being replaced already"
    case (.waited, .wait): return "\(full) and no room came in time (\(limit.whenFull))"
    case (.waited, _): return "\(full) and the oldest did not end in time"
    }
  }
}

extension Limit {
  /// The keys as a sentence has them: ` per client and domain`.
  fileprivate var keys: String {
    let words = per.map(\.rawValue)
    guard let last = words.last else { return " in the whole gateway" }
    return words.count == 1 ? " per \(last)" : " per \(words.dropLast().joined(separator: ", ")) and \(last)"
  }
}

extension Limit.Counts {
  fileprivate var amount: String {
    switch self {
    case .streams(let bound): "\(bound) stream\(bound == 1 ? "" : "s")"
    case .connections(let bound): "\(bound) connection\(bound == 1 ? "" : "s")"
    case .rate(let rate, _): "\(rate)"
    }
  }

  fileprivate var isOne: Bool {
    switch self {
    case .streams(1), .connections(1): true
    case .rate(let rate, _): rate.count == 1
    default: false
    }
  }
}
