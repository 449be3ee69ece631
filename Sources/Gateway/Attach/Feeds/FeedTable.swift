internal import Streams

/// What two subscribers must have in common to share a feed.
struct FeedKey: Hashable {
  let route: String
  /// Path and query, as the upstream is asked for them.
  let target: [UInt8]
  /// The configured header fields, as they are passed on.
  let fields: [UInt8]
  /// Who they are; `nil` where the route says public.
  let principal: Principal?
  /// The credentials that are passed on.
  let bearer: Principal?
}

/// Every feed that somebody subscribes to, or did a moment ago.
///
/// - Owner: the worker.
/// - Thread: the worker's.
/// - Bound: each has a subscriber, or lingers for as long as its route says.
final class FeedTable {
  private let budget: Budget
  private var feeds: [FeedKey: Feed] = [:]

  init(within budget: Budget) {
    self.budget = budget
  }

  var all: some Collection<Feed> { feeds.values }

  /// The feed of a key, `nil` where there is none.
  func feed(_ key: FeedKey) -> Feed? { feeds[key] }

  /// A feed came to be.
  func add(_ feed: Feed) {
    feeds[feed.key] = feed
    budget.add(feed)
  }

  /// A feed is not to be found any more; its readers still get what is in its log.
  func forget(_ feed: Feed) {
    guard feeds[feed.key] === feed else { return }
    feeds[feed.key] = nil
    budget.remove(feed)
  }

  /// Cuts one in so many of the readers of each feed, at least one; they may resume elsewhere.
  func cutReaders(share: Int) {
    for feed in feeds.values {
      let count = (feed.readers.count + share - 1) / share
      for reader in feed.readers.suffix(count) { feed.cut(reader, .drained) }
    }
  }

  /// Ends every feed; there is no reader left.
  func close() {
    for feed in feeds.values { feed.end() }
  }
}
