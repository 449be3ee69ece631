import Admission
import Reactor
import Settings
import Streams
import Testing
import Wire

@testable import Gateway

/// A client that takes as many bytes as the test says, and keeps them.
private final class MeteredReader: ExchangeTransport {
  let promisedBytes = 0
  var room = 0
  private(set) var text: [UInt8] = []
  private(set) var isBlocked = false
  var exchange: Exchange?
  private(set) var isStreaming = false
  let isMovable = false

  func respond(_ response: Response, to exchange: Exchange) { exchange.end(.completed) }

  func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange) { isStreaming = true }

  func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress {
    log.lend(from: cursor) { segment, position in
      let count = min(room, segment.count - position)
      segment.lend { text += Array(copying: $0.extracting(position..<position + count)) }
      cursor.offset += UInt64(count)
      room -= count
      return room > 0
    }
    isBlocked = cursor < log.end
    return isBlocked ? .blocked : .caughtUp
  }

  func end(farewell: [UInt8], of exchange: Exchange) { abort(exchange.leaving ?? .completed) }
  func cut(farewell: [UInt8], _ reason: CloseReason) { abort(reason) }

  func abort(_ reason: CloseReason) {
    exchange?.end(reason)
    exchange = nil
  }
}

extension [UInt8] {
  fileprivate init(copying span: Span<UInt8>) {
    self = span.indices.map { span[$0] }
  }
}

@Suite struct MuxBoundsTests {
  /// A mux with runs that go on, on a worker whose loop nobody runs.
  private func still(_ runs: Int) throws -> (Worker, Mux, MeteredReader) {
    var streams = StreamSettings.default
    (streams.eventSizeBytes, streams.clientBufferBytes, streams.log.bytes) = (4096, 1 << 20, 1 << 20)
    let run = RunSettings(upstream: "chat", method: "POST", path: "/run", answerAfter: .zero)
    var settings = Settings(
      listen: [], upstreams: ["chat": .default(endpoints: [EndpointAddress(host: "127.0.0.1", port: 1)])],
      routes: [RouteSettings(host: nil, path: .exact("/run"), action: .run(run), onAbandoned: .cancel)],
      streams: streams)
    settings.mux = MuxSettings(streams: 100, logBytes: 64 * 1024, linger: .seconds(30))
    let worker = try Worker.still(settings)
    let mux = worker.muxes.begin(MuxRules(settings), for: nil)
    let reader = MeteredReader()
    let head = try RequestHead(
      method: .get, path: Array("/_sluice/mux".utf8), query: nil, version: .http11,
      authority: Array("localhost".utf8).span, fields: FieldSection())
    let exchange = try Exchange.still(head, of: worker, over: reader)
    reader.exchange = exchange
    let asker = MuxAsker(exchange)
    #expect(mux.join(exchange, seen: 0))
    for _ in 0..<runs { mux.open(MuxedRequest(target: Array("/run".utf8)), like: asker) }
    worker.turnEnded()
    return (worker, mux, reader)
  }

  private func grow(_ worker: Worker, round: Int) {
    let data = Array("\(round) ".utf8) + [UInt8](repeating: 0x78, count: 1000)
    for run in worker.runs.all { run.append(type: [UInt8]().span, data: data.span) }
    worker.turnEnded()
  }

  @Test func `streams wait in their own logs while nobody reads the mux, and lose nothing`() throws {
    let (worker, mux, reader) = try still(10)
    let rounds = 200
    for round in 1...rounds {
      grow(worker, round: round)
      // Half of it may be unread, one message more for who stood in front of the bound.
      #expect(mux.log.end.offset <= 32 * 1024 + 2 * 1024)
      #expect(mux.log.occupiedBytes <= 3 * 32 * 1024)
    }
    #expect(reader.isBlocked && worker.runs.liveCount == 10)
    // In pieces that are no multiple of anything, as a socket would take them.
    var turns = 0
    while reader.isBlocked || mux.isMarked {
      reader.room = 4999
      reader.exchange?.owner?.clientWritable()
      worker.turnEnded()
      #expect(mux.log.occupiedBytes <= 3 * 64 * 1024)
      turns += 1
      try #require(turns < 1000)
    }
    let text = String(decoding: reader.text, as: UTF8.self)
    for number in 1...10 {
      let got = text.matches(
        of: try Regex("data: \(number) \\.(\\d+) message\ndata: (\\d+) x", as: (Substring, Substring, Substring).self))
      #expect(got.map { Int($0.1) } == Array(1...rounds), "stream \(number)")
      #expect(got.map { Int($0.2) } == Array(1...rounds), "stream \(number)")
    }
    mux.end()
    #expect(worker.counters.muxStreams.value == 0 && worker.counters.streams.value == 0)
  }

  @Test func `a stream that lags too far behind is closed, and its neighbours are not`() throws {
    let (worker, mux, _) = try still(2)
    let slow = try #require(worker.runs.all.first)
    grow(worker, round: 1)
    // More than streams.client_buffer, on one of them.
    let data = [UInt8](repeating: 0x78, count: 4000)
    for _ in 0..<300 {
      slow.append(type: [UInt8]().span, data: data.span)
      worker.turnEnded()
    }
    #expect(worker.counters.muxStreams.value == 1 && worker.counters.finished(by: .slowReader) == 1)
    #expect(worker.runs.liveCount == 1, "nobody watched it any more")
    #expect(mux.log.occupiedBytes <= 3 * 64 * 1024)
  }

  @Test func `while its client is away no more is taken than the room behind what it was given`() throws {
    let (worker, mux, reader) = try still(5)
    reader.room = .max
    for round in 1...50 { grow(worker, round: round) }
    let given = mux.log.end.offset
    reader.abort(.clientClosed)
    for round in 51...150 { grow(worker, round: round) }
    #expect(mux.log.end.offset - given <= 34 * 1024)
    // What was written may not have arrived: as much again is kept.
    #expect(given - mux.log.start.offset >= 24 * 1024)
    #expect(worker.runs.liveCount == 5)
    mux.timerFired(0)
    #expect(worker.muxes.all.isEmpty && worker.runs.liveCount == 0 && worker.counters.muxes.value == 0)
  }

  @Test func `events are taken apart as they were written`() {
    func parts(_ text: String) -> [[String?]] {
      let bytes = Array(text.utf8)
      var (events, offset): ([[String?]], Int) = ([], 0)
      while let event = WrittenEvent(in: bytes.span, at: &offset) {
        events.append([event.type, event.data, event.id].map { $0.map { String(decoding: bytes[$0], as: UTF8.self) } })
      }
      return events
    }
    #expect(parts("data: a\ndata: \nid: x.1\n\n") == [[nil, "data: a\ndata: \n", "x.1"]])
    #expect(parts("retry: 5\nid: x.0\n\nevent: e f\ndata: é\n\n") == [[nil, nil, "x.0"], ["e f", "data: é\n", nil]])
    #expect(parts(": wait\n").isEmpty && parts("data: a\nid: x.1\n").isEmpty && parts("").isEmpty)
  }

  @Test(arguments: [
    ("abc.52", ".52"), ("abc.end", ".end"), ("abc", "abc"), ("abcd.1", "abcd.1"), ("", "-"), ("-", "%2D"),
    (".5", "%2E5"),
    ("a b\u{7F}ü%", "a%20b%7F%C3%BC%25"),
  ])
  func `an id is told as one word`(id: String, word: String) {
    var line: [UInt8] = []
    let id = Array(id.utf8)
    MuxMessage.append(head: 7, id: id.span, in: Array("abc".utf8), type: Array("t".utf8).span, to: &line)
    #expect(String(decoding: line, as: UTF8.self) == "data: 7 \(word) t\n")
  }
}
