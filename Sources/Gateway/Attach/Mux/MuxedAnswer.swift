internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

/// One stream of a mux: the way its events take into the mux's log.
///
/// To whatever it reads it is a client like any other, whose socket is the room that the mux's log has. It owns no
/// queue: what does not fit stays in the stream's own log, behind its cursor.
/// - Owner: the mux, and its exchange.
/// - Thread: the worker's.
/// - Ends when: its answer does, its client closes it, or the mux ends.
final class MuxedAnswer: ExchangeTransport {
  /// Its number within the mux.
  let number: Int
  /// What its client asked for, as it was written.
  private let target: [UInt8]
  private let mux: Mux
  /// `nil` before it begins and after its end.
  private var exchange: Exchange?
  /// What its stream is called, told when it opened.
  private var name: [UInt8] = []
  private(set) var isStreaming = false
  /// The sequence of its newest message.
  private(set) var newest: UInt64 = 0
  /// Whether it waits for room in the mux's log.
  var isBlocked = false

  init(_ number: Int, _ target: [UInt8], of mux: Mux) {
    self.number = number
    self.target = target
    self.mux = mux
  }

  /// Whole events only.
  let promisedBytes = 0
  var isMovable: Bool { false }

  /// Whether it reads a run, which has an end of its own.
  var isRun: Bool {
    if case .run = exchange?.record.stream { true } else { false }
  }

  /// Sends its request on the way that every request goes.
  func begin(_ head: RequestHead, _ body: [UInt8], like outer: MuxAsker) {
    let worker = mux.worker
    let exchange = Exchange(
      head, peer: outer.peer, clientPeer: outer.clientPeer, began: worker.loop.now, over: self)
    exchange.body = body
    exchange.door = outer.door
    exchange.record.mux = mux.id
    // Where the same is asked of clients, it is known who asks; elsewhere it shows what the outer request showed.
    if let identity = outer.identity, let route = worker.table.router.route(for: head),
      route.authentication == outer.authentication
    {
      exchange.identity = identity
      exchange.identity?.ticket = nil
      exchange.identity?.isAuthorized = false
    }
    self.exchange = exchange
    worker.headReceived(exchange)
    // It may have been refused by now.
    if self.exchange === exchange { worker.received(exchange) }
  }

  // MARK: - The answer

  func respond(_ response: Response, to exchange: Exchange) {
    guard exchange === self.exchange, !isStreaming else { return }
    let reason = response.reason ?? .completed
    exchange.record.status = response.head.status
    tell(MuxClosing(response, reason))
    finish(reason)
  }

  func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange) {
    // While it waits for room at a limit, there is nothing to tell.
    guard exchange === self.exchange, let stream = exchange.record.stream else { return }
    isStreaming = true
    mux.hasCarried = true
    switch stream {
    case .run(let id), .feed(let id), .mux(let id): name = id.text
    }
    var offset = 0
    var first: [UInt8]?
    if let event = WrittenEvent(in: prelude.span, at: &offset), let id = event.id { first = Array(prelude[id]) }
    tellOpened(at: first)
    pass(prelude)
  }

  func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress {
    guard let exchange else { return .ended }
    guard isStreaming else { return .caughtUp }
    while cursor < log.end, !mux.isFull { cursor.offset += UInt64(take(log, from: cursor)) }
    if cursor < log.end {
      mux.wait(self)
      return .blocked
    }
    guard isFinal else { return .caughtUp }
    close(exchange.leaving ?? exchange.record.reason ?? .completed)
    return .ended
  }

  func end(farewell: [UInt8], of exchange: Exchange) {
    guard exchange === self.exchange else { return }
    pass(farewell)
    close(exchange.leaving ?? exchange.record.reason ?? .completed)
  }

  func cut(farewell: [UInt8], _ reason: CloseReason) { close(reason) }

  func abort(_ reason: CloseReason) {
    close(exchange?.leaving ?? exchange?.record.reason ?? reason)
  }

  /// There is room in the mux's log again.
  func offerRoom() {
    guard let exchange else { return }
    mux.worker.clientWritable(exchange)
  }

  // MARK: - Ends

  /// Ends it, and tells its client why.
  func close(_ reason: CloseReason) {
    guard let exchange else { return }
    tell(MuxClosing(reason, status: exchange.record.status))
    finish(reason)
  }

  /// Ends it; its client hears nothing.
  func finish(_ reason: CloseReason) {
    guard let exchange else { return }
    self.exchange = nil
    isStreaming = false
    mux.closed(self)
    exchange.end(reason)
    mux.worker.finished(exchange, reason)
  }

  /// It never began: its request is none, or there is no room for it in the mux.
  func refuse(_ response: Response) {
    tell(MuxClosing(response, response.reason ?? .refused))
    mux.closed(self)
  }

  // MARK: - Messages

  private func tell(_ closing: MuxClosing) {
    mux.append { MuxMessage.append(number, type: "sluice.closed", json: closing.json, to: &$0) }
    newest = mux.log.newest
  }

  private func tellOpened(at id: [UInt8]?) {
    let (target, name) = (target, name)
    var json: [UInt8] = []
    json.append("{\"target\":")
    JSONScanner.append(quoted: target.span, to: &json)
    json.append(",\"name\":")
    JSONScanner.append(quoted: name.span, to: &json)
    json.append(",\"status\":200}")
    mux.append { MuxMessage.append(number, id: id, type: "sluice.opened", json: json, to: &$0) }
    newest = mux.log.newest
  }

  /// Takes whole events, as many as lie in one segment and find room; one that lies across several is put together.
  ///
  /// - Returns: how many bytes of the log.
  private func take(_ log: EventLog, from cursor: Cursor) -> Int {
    var taken = 0
    log.lend(from: cursor) { segment, position in
      segment.lend { taken = pass($0, from: position) - position }
      return false
    }
    guard taken == 0 else { return taken }
    var joined: [UInt8] = []
    log.lend(from: cursor) { segment, position in
      segment.lend { joined.append($0.extracting(position...)) }
      taken = 0
      return WrittenEvent(in: joined.span, at: &taken) == nil
    }
    precondition(taken > 0, "a log holds whole events")
    _ = pass(joined.span.extracting(..<taken), from: 0)
    return taken
  }

  /// Passes on what its client alone gets.
  private func pass(_ events: [UInt8]) {
    var offset = 0
    while let event = WrittenEvent(in: events.span, at: &offset) { pass(event, events.span) }
  }

  private func pass(_ events: Span<UInt8>, from start: Int) -> Int {
    var offset = start
    while !mux.isFull, let event = WrittenEvent(in: events, at: &offset) { pass(event, events) }
    return offset
  }

  private func pass(_ event: WrittenEvent, _ bytes: Span<UInt8>) {
    guard let data = event.data else { return }
    let id = event.id ?? 0..<0
    let type = event.type ?? 0..<0
    let count = mux.append { output in
      MuxMessage.append(
        head: number, id: bytes.extracting(id), in: name, type: bytes.extracting(type), to: &output)
      output.append(bytes.extracting(data))
    }
    newest = mux.log.newest
    exchange?.record.events += 1
    exchange?.record.bytes += UInt64(count)
  }
}
