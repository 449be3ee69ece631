/// What becomes of a reader that lags further than `streams.client_buffer`.
public enum SlowReaders: Sendable, Equatable {
  /// It is disconnected, and may resume.
  case disconnect
  /// It misses events, is told which, and goes on with the newest.
  case skip
  /// It gets chunks of text merged, for as long as the log has what it needs.
  case coalesce(CoalescingSettings)

  private enum Word: String, CaseIterable {
    case disconnect, skip, coalesce
  }

  /// Reads the keys of a route that say so.
  static func read(_ reader: SettingsReader) -> SlowReaders {
    let word: Word = reader.choice(
      "slow_readers", default: .disconnect,
      "What becomes of a reader beyond client_buffer: disconnect, skip events and say which, or coalesce texts.")
    let coalescing = reader.section(
      "coalesce", "Which events are merged for it, beside texts of A2A artifacts and OpenAI chat completions."
    ) { CoalescingSettings($0) }
    if reader.has("coalesce"), word != .coalesce {
      reader.refuse(
        "coalesce", given: "coalesce with slow_readers \(word.rawValue)",
        allowed: "coalesce only with slow_readers coalesce")
    }
    switch word {
    case .disconnect: return .disconnect
    case .skip: return .skip
    case .coalesce: return .coalesce(coalescing)
    }
  }
}
