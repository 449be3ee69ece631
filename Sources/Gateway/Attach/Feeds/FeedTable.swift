internal import Admission
internal import Streams
internal import Wire

/// What two subscribers must have in common to share a feed.
struct FeedKey: Hashable, Sendable {
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
  private unowned let worker: Worker
  private var feeds: [FeedKey: Feed] = [:]
  /// Subscribers of feeds that live elsewhere and were asked for.
  private var waiting: [FeedKey: [Waiting]] = [:]

  private struct Waiting {
    let exchange: Exchange
    let last: [UInt8]?
    let rules: StreamRules
  }

  init(of worker: Worker) {
    self.worker = worker
  }

  var all: some Collection<Feed> { feeds.values }

  /// The worker that has a feed's upstream request.
  func home(of key: FeedKey) -> Int {
    worker.peers.home(of: UInt16(truncatingIfNeeded: key.hashValue))
  }

  /// Attaches a reader to the feed of a key, which begins with the first.
  ///
  /// - Parameters:
  ///   - exchange: whose answer it becomes.
  ///   - key: which feed.
  ///   - route: how to begin it.
  ///   - fields: what the upstream is sent.
  ///   - last: the id that the reader names.
  func subscribe(
    _ exchange: Exchange, to key: FeedKey, on route: FeedRoute, fields: FieldSection, after last: [UInt8]?
  ) {
    if let feed = feeds[key] { return feed.subscribe(exchange, after: last) }
    let home = home(of: key)
    guard home != worker.place else {
      let subject = worker.subject(of: exchange)
      let feed = add(UpstreamFeed(key, on: route, of: worker, fields: fields, subject: subject, after: last))
      feed.subscribe(exchange, after: last)
      return feed.start()
    }
    let isFirst = waiting[key] == nil
    waiting[key, default: []].append(Waiting(exchange: exchange, last: last, rules: route.rules))
    guard isFirst else { return }
    worker.peers.post(
      .feed(key, .subscribed(by: worker.place, fields, worker.subject(of: exchange), after: last)), to: home)
  }

  private func add<Kind: Feed>(_ feed: Kind) -> Kind {
    feeds[feed.key] = feed
    worker.budget.add(feed)
    worker.counters.feeds.set(feeds.count)
    return feed
  }

  /// A feed is not to be found any more; its readers still get what is in its log.
  func forget(_ feed: Feed) {
    guard feeds[feed.key] === feed else { return }
    feeds[feed.key] = nil
    worker.budget.remove(feed)
    worker.counters.feeds.set(feeds.count)
  }

  // MARK: - Mirrors

  /// What another worker tells of a feed.
  func received(_ message: FeedMessage, of key: FeedKey) {
    switch message {
    case .subscribed(let place, let fields, let subject, let last):
      mirror(key, to: place, fields, subject, after: last)
    case .left(let place, let id): (feed(key, id) as? UpstreamFeed)?.mirrorLeft(place)
    case .began(let snapshot): began(key, snapshot)
    case .refused(let response): for reader in takeWaiting(key) { reader.exchange.respond(response) }
    case .opened(let id), .grew(let id, _, _), .forgotClientsID(let id), .ended(let id, _, _), .interrupted(let id):
      // What comes late for a mirror that has gone is for nobody.
      (feed(key, id) as? MirrorFeed)?.received(message)
    }
  }

  private func feed(_ key: FeedKey, _ id: StreamID) -> Feed? {
    feeds[key].flatMap { $0.id == id ? $0 : nil }
  }

  private func mirror(
    _ key: FeedKey, to place: Int, _ fields: FieldSection, _ subject: LimitSubject, after last: [UInt8]?
  ) {
    if let feed = feeds[key] as? UpstreamFeed { return feed.mirror(to: place, after: last) }
    guard let route = worker.table.feedRoute(key.route) else {
      let response = Problem.response(status: 503, detail: "the routes are changing, please ask again")
      return worker.peers.post(.feed(key, .refused(response)), to: place)
    }
    let feed = add(UpstreamFeed(key, on: route, of: worker, fields: fields, subject: subject, after: last))
    feed.mirror(to: place, after: last)
    feed.start()
  }

  private func began(_ key: FeedKey, _ snapshot: FeedSnapshot) {
    let readers = takeWaiting(key)
    guard let rules = readers.first?.rules else {
      // They have all left while it was asked for.
      return worker.peers.post(.feed(key, .left(by: worker.place, snapshot.id)), to: home(of: key))
    }
    let feed = add(MirrorFeed(key, snapshot, rules: rules, of: worker))
    for reader in readers { feed.subscribe(reader.exchange, after: reader.last) }
  }

  private func takeWaiting(_ key: FeedKey) -> [Waiting] {
    (waiting.removeValue(forKey: key) ?? []).filter { $0.exchange.transport != nil }
  }

  // MARK: - Ends

  /// Cuts one in so many of all readers, at least one; they may resume elsewhere.
  func cutReaders(share: Int) {
    let all = feeds.values.reduce(0) { $0 + $1.readers.count }
    var count = (all + share - 1) / share
    for feed in feeds.values where count > 0 {
      for reader in feed.readers.suffix(count) {
        feed.cut(reader, .drained)
        count -= 1
      }
    }
  }

  /// New settings are in force: from their next request on, upstreams are asked as these say.
  func reload(_ table: RouteTable) {
    for feed in feeds.values {
      guard let feed = feed as? UpstreamFeed, let route = table.feedRoute(feed.key.route) else { continue }
      feed.route = route
    }
  }

  /// Ends every feed; there is no reader left here.
  func close() {
    for feed in feeds.values { feed.interrupt() }
  }
}
