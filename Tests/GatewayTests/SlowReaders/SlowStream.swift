import Bytes
import Settings
import Streams
import Testing
import Wire

@testable import Gateway

/// A run or a feed on a loop that nobody runs, with readers that take what the test lets them.
final class SlowStream {
  let worker: Worker
  let stream: Stream
  /// Every event so far, as readers should see it.
  private(set) var events: [StreamEvent] = []

  static let clientBuffer = 4096

  init(
    _ slowReaders: SlowReaders, isFeed: Bool = false, backpressure: Bool = false, logBytes: Int = 64 * 1024,
    changing: (inout StreamSettings) -> Void = { _ in }
  ) throws {
    var streams = StreamSettings.default
    streams.clientBufferBytes = Self.clientBuffer
    streams.eventSizeBytes = 2048
    streams.log.bytes = logBytes
    changing(&streams)
    let run = RunSettings(upstream: "chat", method: "POST", path: "/run", answerAfter: .zero)
    let feed = FeedSettings(upstream: "chat", path: .exact("/feed"), answerAfter: .zero)
    var routes = [
      RouteSettings(host: nil, path: .exact("/run"), action: .run(run), onAbandoned: .detach),
      RouteSettings(host: nil, path: .exact("/feed"), action: .feed(feed)),
    ]
    for index in routes.indices { routes[index].slowReaders = slowReaders }
    routes[0].backpressure = backpressure
    let settings = Settings(
      listen: [], upstreams: ["chat": .default(endpoints: [EndpointAddress(host: "127.0.0.1", port: 1)])],
      routes: routes, streams: streams)
    worker = try Worker.still(settings)
    if isFeed {
      let key = FeedKey(route: "/feed", target: Array("/feed".utf8), fields: [], principal: nil, bearer: nil)
      let route = try #require(worker.table.feedRoute("/feed"))
      let first = SlowReader()
      let exchange = try Self.exchange(of: worker, over: first)
      first.exchange = exchange
      worker.feeds.subscribe(exchange, to: key, on: route, fields: FieldSection(), after: nil)
      stream = try #require(worker.feeds.all.first)
      first.abort(.clientClosed)
    } else {
      let run = Run(
        on: try #require(worker.table.runRoute("/run")), of: worker, principal: nil, key: nil, payload: nil)
      worker.runs.add(run)
      run.open()
      stream = run
    }
  }

  private static func exchange(of worker: Worker, over reader: SlowReader) throws -> Exchange {
    let head = try RequestHead(
      method: .get, path: Array("/run".utf8), query: nil, version: .http11, authority: Array("localhost".utf8).span,
      fields: FieldSection())
    return try .still(head, of: worker, over: reader)
  }

  /// A reader that comes back behind an event, or comes for the first time.
  func reader(after seen: UInt64 = 0) throws -> SlowReader {
    let reader = SlowReader()
    let exchange = try Self.exchange(of: worker, over: reader)
    reader.exchange = exchange
    let last = max(seen, stream.log.oldest - 1)
    reader.lost = last - seen
    stream.attach(exchange, at: stream.log.cursor(after: last), seen: last)
    worker.turnEnded()
    return reader
  }

  /// A reader of another stream of the same worker, from its beginning.
  func reader(of other: Stream) throws -> SlowReader {
    let reader = SlowReader()
    let exchange = try Self.exchange(of: worker, over: reader)
    reader.exchange = exchange
    other.attach(exchange, at: other.log.start, seen: 0)
    return reader
  }

  /// One more event; at the end of a run, the last.
  func append(_ data: String, type: String = "", id: String? = nil) {
    let (type, data) = (Array(type.utf8), Array(data.utf8))
    stream.append(ownID: id.map { Array($0.utf8) }, type: type.span, data: data.span)
    if let feed = stream as? Feed { feed.note(id.map { Array($0.utf8) }) }
    let received = Received(stream.log.event(stream.log.newest))
    events += received.events
  }

  func end() {
    append("last", type: "completed")
    if let run = stream as? Run { run.end() }
    worker.turnEnded()
  }
}

/// What a client has made of the bytes that it got.
struct Received {
  var events: [StreamEvent] = []
  /// Whether the bytes end at the end of an event.
  let isWhole: Bool

  init(_ bytes: [UInt8]) {
    var decoder = SSEDecoder(maxEventBytes: 1 << 24)
    var offset = 0
    while (try? decoder.next(in: bytes.span, at: &offset)) == true { events.append(decoder.event) }
    isWhole = bytes.isEmpty || bytes.suffix(2) == [10, 10]
  }

  /// The sequence of an event of a run; zero for none.
  static func sequence(_ event: StreamEvent) -> UInt64 {
    let digits = event.id.split(separator: UInt8(ascii: ".")).last ?? []
    return UInt64(String(decoding: digits, as: UTF8.self)) ?? 0
  }
}

/// A client that takes so many bytes, and is promised more, as one of HTTP/1.1 is by the head of a chunk.
final class SlowReader: ExchangeTransport {
  let isMovable = true
  /// The most that it is promised at a time.
  static let largestPayload = 3000
  /// How many bytes its socket takes now.
  var room = 0
  /// The most that it gets before others of its connection have their turn, as streams of HTTP/2 do.
  var share: Int?
  private var isYielding = false
  private var isBlocked = false
  var reason: CloseReason?
  /// Whether the body came to its end.
  private(set) var isEnded = false
  var exchange: Exchange?
  /// Events that were gone when it came.
  var lost: UInt64 = 0
  private(set) var bytes: [UInt8] = []
  private(set) var isStreaming = false
  private(set) var promisedBytes = 0

  var received: Received { Received(bytes) }

  func respond(_ response: Response, to exchange: Exchange) { exchange.end(.completed) }
  func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange) { isStreaming = true }

  func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress {
    if isBlocked { return .blocked }
    var rest = share ?? .max
    while cursor < log.end {
      isYielding = rest == 0
      if isYielding { return .yielded }
      let behind = Int(log.end.offset - cursor.offset)
      #expect(behind >= promisedBytes, "what was promised is there")
      isBlocked = room == 0
      if isBlocked { return .blocked }
      let lent = max(promisedBytes, min(behind, Self.largestPayload))
      let count = min(room, lent, rest)
      rest -= count
      let end = Cursor(offset: cursor.offset + UInt64(count))
      bytes += log.copy(from: cursor, to: end)
      room -= count
      cursor = end
      promisedBytes = lent - count
    }
    if let exchange { exchange.record.events = exchange.record.offered }
    guard isFinal else { return .caughtUp }
    isEnded = true
    finish(exchange?.record.reason ?? .completed)
    return .ended
  }

  /// Takes so many bytes more, now that its socket has room.
  func take(_ count: Int) {
    room += count
    isBlocked = false
    repeat {
      isYielding = false
      exchange?.owner?.clientWritable()
    } while isYielding
  }

  func end(farewell: [UInt8], of exchange: Exchange) { finish(exchange.leaving ?? .completed) }
  func cut(farewell: [UInt8], _ reason: CloseReason) { finish(reason) }
  func abort(_ reason: CloseReason) { finish(reason) }

  private func finish(_ reason: CloseReason) {
    self.reason = reason
    exchange?.end(reason)
  }
}
