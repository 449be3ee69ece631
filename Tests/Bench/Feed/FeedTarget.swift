import Reactor

/// Where a server has the feed, and what its events look like.
struct FeedTarget: Sendable {
  /// The path of the feed.
  let path: String
  /// Whether the server understands the places of events as ids; a hub gives ids of its own.
  let knowsPlaces: Bool
  /// What comes.
  let event: FeedEvent
  /// Gives the events.
  let orchestrator: Orchestrator

  /// The request of a reader that wants what comes from now on.
  var request: [UInt8] { Request.encoded(path: path) }

  /// The request of a client that has had all but the last event.
  func resumingRequest() -> [UInt8] {
    guard knowsPlaces else { return request }
    let last = orchestrator.feed.withLock { $0.last }
    return Request.encoded(path: path, lastID: max(1, last) - 1)
  }
}
