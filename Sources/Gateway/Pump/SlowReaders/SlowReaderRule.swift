internal import Settings
internal import Streams

/// What becomes of a reader that lags further than `streams.client_buffer`, as its route says.
enum SlowReaderRule {
  /// It is disconnected, and may resume.
  case disconnect
  /// It gets a gap event, then the newest event.
  case skip
  /// It gets chunks of text merged.
  case coalesce(CoalescingRule)

  init(_ settings: SlowReaders, _ streams: StreamSettings) {
    switch settings {
    case .disconnect: self = .disconnect
    case .skip: self = .skip
    case .coalesce(let coalescing):
      self = .coalesce(
        CoalescingRule(
          type: coalescing.type, field: streams.terminalField, place: coalescing.text.map { .member($0) } ?? .data,
          latest: coalescing.latest))
    }
  }
}
