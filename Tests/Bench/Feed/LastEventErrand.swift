import Reactor
import Wire

/// The last event of the feed: whoever has it leaves.
struct LastEventErrand: Errand {
  private let feed: FeedTarget
  private(set) var isDone = false

  /// Visits to this feed.
  init(_ feed: FeedTarget) {
    self.feed = feed
  }

  mutating func begin(_ name: [UInt8]) -> [UInt8] {
    isDone = false
    return feed.resumingRequest()
  }

  mutating func take(_ event: StreamEvent) throws(RunDefect) -> Instant {
    guard let (_, sent) = feed.event.read(event.data.span) else { throw .unexpectedEvent(place: 0) }
    isDone = true
    return sent
  }

  /// A feed does not end.
  func end() throws(RunDefect) {
    throw .endedEarly(after: 0, of: 1)
  }
}
