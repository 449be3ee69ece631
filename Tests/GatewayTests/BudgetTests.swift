import Admission
import Bytes
import Logging
import Reactor
import Settings
import Streams
import Support
import Testing
import Wire

@testable import Gateway

/// A worker whose loop nobody runs: streams are made and pumped by hand.
private final class StillWorker {
  let worker: Worker

  init(budgetBytes: Int = 1 << 30) throws {
    var streams = StreamSettings.default
    streams.budgetBytes = budgetBytes
    let run = RunSettings(upstream: "chat", method: "POST", path: "/run", answerAfter: .zero)
    let feed = FeedSettings(upstream: "chat", path: .exact("/feed"), answerAfter: .zero)
    let settings = Settings(
      listen: [], upstreams: ["chat": .default(endpoints: [EndpointAddress(host: "127.0.0.1", port: 1)])],
      routes: [
        RouteSettings(host: nil, path: .exact("/run"), action: .run(run), onAbandoned: .detach),
        RouteSettings(host: nil, path: .exact("/feed"), action: .feed(feed)),
      ],
      streams: streams)
    worker = try Worker.still(settings)
  }

  func run() throws -> Run {
    let route = try #require(worker.table.runRoute("/run"))
    let run = Run(on: route, of: worker, principal: nil, key: nil, payload: nil)
    worker.runs.add(run)
    run.open()
    return run
  }

  /// A feed that nobody subscribes to any more, and that lingers.
  func feed(_ name: String = "a") throws -> UpstreamFeed {
    let key = FeedKey(route: "/feed", target: Array("/feed?\(name)".utf8), fields: [], principal: nil, bearer: nil)
    let route = try #require(worker.table.feedRoute("/feed"))
    let first = try subscriber()
    worker.feeds.subscribe(try #require(first.exchange), to: key, on: route, fields: FieldSection(), after: nil)
    let feed = try #require(worker.feeds.all.first { $0.key == key } as? UpstreamFeed)
    first.abort(.clientClosed)
    return feed
  }

  /// A reader of a stream, from its oldest event on.
  func reader(of stream: Stream) throws -> StillReader {
    let reader = try subscriber()
    stream.attach(try #require(reader.exchange), at: stream.log.start, seen: stream.log.oldest - 1)
    return reader
  }

  /// What all streams that are kept should have been counted as.
  var expected: Int {
    let streams = worker.runs.all.map { $0 as Stream } + worker.feeds.all.map { $0 as Stream }
    return streams.reduce(0) { $0 + $1.log.occupiedBytes + 1024 }
  }

  private func subscriber() throws -> StillReader {
    let reader = StillReader()
    let head = try RequestHead(
      method: .get, path: Array("/feed".utf8), query: nil, version: .http11, authority: Array("localhost".utf8).span,
      fields: FieldSection())
    reader.exchange = try .still(head, of: worker, over: reader)
    return reader
  }
}

/// A client that takes everything or nothing.
private final class StillReader: ExchangeTransport {
  var takes = true
  var reason: CloseReason?
  var exchange: Exchange?
  let isMovable = false
  private(set) var isStreaming = false

  func respond(_ response: Response, to exchange: Exchange) { exchange.end(.completed) }
  func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange) { isStreaming = true }
  func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress {
    guard takes else { return .blocked }
    cursor = log.end
    return .caughtUp
  }
  func end(farewell: [UInt8], of exchange: Exchange) { abort(exchange.leaving ?? .completed) }
  func cut(farewell: [UInt8], _ reason: CloseReason) { abort(reason) }
  func abort(_ reason: CloseReason) {
    self.reason = reason
    exchange?.end(reason)
    exchange = nil
  }
}

extension Stream {
  /// Appends an event of about this size.
  fileprivate func grow(by bytes: Int = 1000) {
    append(type: [UInt8]().span, data: [UInt8](repeating: 0x78, count: bytes).span)
  }
}

@Suite struct BudgetTests {
  @Test func `a stream counts with its log, until it is forgotten`() throws {
    let still = try StillWorker()
    let worker = still.worker
    #expect(worker.budget.occupiedBytes == 0)
    let (run, feed) = (try still.run(), try still.feed())
    #expect(worker.budget.occupiedBytes == 2 * 1024)
    for _ in 0..<100 {
      run.grow()
      feed.grow()
    }
    worker.turnEnded()
    #expect(run.log.occupiedBytes > 100_000 && feed.log.occupiedBytes > 100_000)
    #expect(worker.budget.occupiedBytes == still.expected)
    worker.runs.forget(run)
    #expect(worker.budget.occupiedBytes == still.expected && worker.budget.occupiedBytes > 100_000)
    // It may still grow for the readers that it has.
    run.grow(by: 100_000)
    worker.turnEnded()
    worker.runs.forget(run)
    #expect(worker.budget.occupiedBytes == still.expected)
    feed.end()
    worker.turnEnded()
    #expect(worker.budget.occupiedBytes == 0)
  }

  @Test(arguments: 1...30) func `over any history the bytes are those of the streams that are kept`(seed: UInt64) throws
  {
    var random = SplitMix(seed)
    let still = try StillWorker(budgetBytes: 200_000)
    let worker = still.worker
    var streams: [Stream] = []
    for step in 0..<200 {
      switch random.next() % 8 {
      case 0: streams.append(try still.run())
      case 1: streams.append(try still.feed("\(step)"))
      case 2...5: streams.randomElement(using: &random)?.grow(by: Int(random.next() % 20_000))
      case 6:
        switch streams.randomElement(using: &random) {
        case let run as Run where !run.isFinished: run.end()
        case let feed as Feed: feed.end()
        default: break
        }
      default:
        worker.turnEnded()
        #expect(worker.budget.occupiedBytes == still.expected)
      }
      streams.removeAll { $0.stage == .final }
    }
    worker.runs.finishAll()
    worker.feeds.close()
    while worker.runs.forgetOldestFinished() {}
    worker.turnEnded()
    #expect(worker.budget.occupiedBytes == 0 && still.expected == 0)
  }

  @Test func `finished runs give way first, the one that finished first before the others`() throws {
    let still = try StillWorker()
    let worker = still.worker
    let live = try still.run()
    let finished = try [still.run(), still.run(), still.run()]
    for stream in [live] + finished { for _ in 0..<60 { stream.grow() } }
    for place in [1, 0, 2] { finished[place].end() }
    worker.turnEnded()
    for gone in [1, 0, 2] {
      // At the bound nothing has to go, one byte beyond it one run.
      worker.budget.limitBytes = worker.budget.occupiedBytes
      worker.turnEnded()
      #expect(worker.runs.run(finished[gone].id) === finished[gone])
      worker.budget.limitBytes -= 1
      worker.turnEnded()
      #expect(worker.runs.run(finished[gone].id) == nil && !worker.budget.isExceeded)
      #expect(worker.runs.run(live.id) === live && live.log.oldest == 1)
    }
    #expect(worker.budget.occupiedBytes == still.expected)
  }

  @Test func `then what every reader of a live stream has had, and never what one has to get`() throws {
    let still = try StillWorker(budgetBytes: 100_000)
    let worker = still.worker
    let (run, feed) = (try still.run(), try still.feed())
    let readers = try [still.reader(of: run), still.reader(of: run), still.reader(of: feed)]
    readers[0].takes = false
    for _ in 0..<90 {
      run.grow()
      feed.grow()
    }
    worker.turnEnded()
    #expect(run.log.oldest == 1 && feed.log.oldest == feed.log.newest + 1)
    #expect(worker.budget.isExceeded && worker.budget.occupiedBytes == still.expected)
    #expect(readers.allSatisfy { $0.reason == nil })
    // Once it is gone, nobody needs what it lacked.
    readers[0].abort(.clientClosed)
    run.keepOnlyUnread()
    #expect(run.log.oldest == run.log.newest + 1)
  }

  @Test func `what a feed had to give away may come again from its upstream`() throws {
    let still = try StillWorker()
    let feed = try still.feed()
    let reader = try still.reader(of: feed)
    var decoder = SSEDecoder(maxEventBytes: 1000)
    func receive(_ text: String) throws {
      let bytes = Array(text.utf8)
      var offset = 0
      while try decoder.next(in: bytes.span, at: &offset) { feed.append(decoder.event) }
    }
    try receive("data: 1\nid: a\n\ndata: 2\nid: b\n\n")
    still.worker.turnEnded()
    feed.keepOnlyUnread()
    #expect(feed.log.oldest == 3)
    feed.mayRepeat = true
    try receive("data: 1\nid: a\n\ndata: 2\nid: b\n\ndata: 3\nid: c\n\n")
    #expect(feed.log.newest == 5 && feed.upstreamID == Array("c".utf8))
    #expect(reader.reason == nil)
  }

  @Test(arguments: [(10, 1, 10), (10, 3, 4), (10, 10, 1), (10, 1000, 1), (1, 5, 1), (2, 1, 2), (0, 1, 0)])
  func `a share of all readers of feeds is cut, at least one`(count: Int, share: Int, cut: Int) throws {
    let still = try StillWorker()
    let feeds = [try still.feed(), try still.feed("b"), try still.feed("c")]
    let readers = try (0..<count).map { try still.reader(of: feeds[$0 % 3]) }
    still.worker.feeds.cutReaders(share: share)
    #expect(readers.count { $0.reason == .drained } == cut)
    #expect(feeds.reduce(0) { $0 + $1.readers.count } == count - cut)
    // Step by step everybody has had a turn.
    for left in (0..<share).reversed() { still.worker.feeds.cutReaders(share: left + 1) }
    #expect(feeds.reduce(0) { $0 + $1.readers.count } == 0)
  }
}
