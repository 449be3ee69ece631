internal import Bytes
internal import Reactor
public import Streams
public import Wire

// The answering half of an HTTP/1 connection: whole responses and streams, each written directly and again only
// after the socket said that it has room.

extension HTTP1Connection: ExchangeTransport {
  // MARK: - Whole answers

  /// Sends a whole answer; the rest of an unread request body makes it the connection's last.
  public func respond(_ response: Response, to exchange: Exchange) {
    switch state {
    case .body(let current, let decoder) where current === exchange:
      if !decoder.isComplete { persists = false }
    case .answering(let current) where current === exchange:
      // An answer that is on its way stays what it is.
      guard unsentAnswer.isEmpty, framing == nil else { return }
    default: return
    }
    state = .answering(exchange)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(response.body.count + 512)
    HTTP1Encoder.append(
      response.head, framing: response.framing(for: exchange.method), keepAlive: persists && !isDraining,
      version: exchange.version, to: &bytes)
    if exchange.method != .head { bytes.append(response.body.span) }
    unsentAnswer = bytes
    lastProgress = loop.now
    arm(after: limits.sendTimeout)
    flushAnswer()
    account()
  }

  /// Answers bytes that never became an exchange.
  func respondLast(_ response: Response) {
    var bytes: [UInt8] = []
    HTTP1Encoder.append(
      response.head, framing: .length(UInt64(response.body.count)), keepAlive: false, version: .http11, to: &bytes)
    bytes.append(response.body.span)
    // An answer that the socket does not take at once is not worth waiting for.
    _ = socket.write(bytes.span)
    linger()
  }

  func writeContinue() {
    var bytes: [UInt8] = []
    bytes.append("HTTP/1.1 100 Continue\r\n\r\n")
    // A part of it would spoil the answer behind it.
    if socket.write(bytes.span) != .wrote(bytes.count) { close(.clientReset) }
  }

  private func flushAnswer() {
    while !unsentAnswer.isEmpty {
      let bytes = unsentAnswer
      switch socket.write(bytes.span) {
      case .wrote(let count):
        note(written: count)
        unsentAnswer.removeFirst(count)
      case .wouldBlock:
        socket.awaitWritable()
        return
      case .failed:
        return close(.clientReset)
      }
    }
    unsentAnswer = []
    answerComplete()
  }

  // MARK: - Streams

  /// Whether a stream has begun.
  public var isStreaming: Bool { framing != nil }

  /// A connection has one exchange at a time, and goes where it goes.
  public var isMovable: Bool { true }

  /// Begins a stream.
  ///
  /// HTTP/1.0 knows no chunks: there the connection's end is the body's.
  public func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange) {
    guard case .answering(let current) = state, current === exchange else { return }
    if framing != nil {
      framing?.insert(prelude.span)
      return
    }
    let isChunked = exchange.version == .http11
    if !isChunked { persists = false }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(768)
    HTTP1Encoder.append(
      head, framing: isChunked ? .chunked : .untilClose, keepAlive: persists && !isDraining,
      version: exchange.version, to: &bytes)
    var framing = ChunkFraming(isChunked: isChunked, after: bytes)
    if !prelude.isEmpty { framing.insert(prelude.span) }
    self.framing = framing
    lastProgress = loop.now
    arm(after: min(limits.heartbeat, limits.sendTimeout))
  }

  /// Sends what lies behind the cursor with one write.
  public func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress {
    guard framing != nil else { return .ended }
    if isBlocked { return .blocked }
    guard let plan = gather(log, from: cursor, isFinal: isFinal) else { return .caughtUp }
    let outcome = socket.writeOutput()
    loop.output.removeAll()
    switch outcome {
    case .wrote(let count):
      note(written: count)
      if count == plan.byteCount, plan.isAll { noteAllOffered() }
      let payload = framing?.advance(count, of: plan.parts) ?? 0
      cursor.offset += UInt64(payload)
      if framing?.isEnded == true, framing?.unsent.isEmpty == true {
        answerComplete()
        return .ended
      }
      return count == plan.byteCount && plan.isAll ? .caughtUp : block()
    case .wouldBlock:
      return block()
    case .failed:
      if case .answering(let exchange) = state { exchange.record.reason = nil }
      close(.clientReset)
      return .ended
    }
  }

  /// What is left of a chunk whose head was sent.
  public var promisedBytes: Int { framing?.promised ?? 0 }

  /// Where whole chunks may be written past the connection, until it is asked anything else; none where it is minus one.
  var frameDescriptor: Int32 {
    guard let framing, framing.isChunked, framing.isAtBoundary, !isBlocked, farewell == nil else { return -1 }
    return socket.plainDescriptor
  }

  /// Of a chunk written there only so many bytes were taken: the rest is the connection's to send.
  ///
  /// - Returns: how many bytes of the payload were among them.
  func took(_ count: Int, of plan: ChunkFraming.Plan) -> Int {
    let payload = framing?.advance(count, of: plan) ?? 0
    note(written: count)
    _ = block()
    return payload
  }

  /// Says the last line, if it can be taken now, and ends our side without the last chunk.
  public func cut(farewell: [UInt8], _ reason: CloseReason) {
    guard case .answering(let exchange) = state, framing != nil else { return close(reason) }
    if !isBlocked, framing?.promised == 0 {
      framing?.insert(farewell.span)
      if let bytes = framing?.unsent { _ = socket.write(bytes.span) }
    }
    framing = nil
    finish(exchange, reason)
    linger()
  }

  /// Cuts the answer and the connection.
  public func abort(_ reason: CloseReason) {
    close(reason)
  }

  /// Sends what was promised, then the farewell, then the body's end.
  public func end(farewell: [UInt8], of exchange: Exchange) {
    guard case .answering(let current) = state, current === exchange, framing != nil, self.farewell == nil else {
      return
    }
    // Without chunks nobody knows whether an event is half sent; the end is all that can be said.
    self.farewell = exchange.version == .http11 ? farewell : []
    arm(after: Self.farewellTime)
    if !isBlocked { offerRoom(to: exchange) }
  }

  /// How long a client may take to read what was promised to it before it is to go.
  private static let farewellTime = Duration.seconds(2)

  /// Lets whoever owns the answer write; where nobody does any more, what is left is the farewell.
  private func offerRoom(to exchange: Exchange) {
    guard exchange.owner == nil else { return receiver.clientWritable(exchange) }
    let nothing = EventLog()
    var cursor = nothing.end
    _ = pump(nothing, from: &cursor, isFinal: false)
  }

  private struct Gathered {
    var parts: ChunkFraming.Plan
    var byteCount: Int
    var isAll: Bool
  }

  /// Fills the loop's output vector; `nil` where there is nothing to write.
  private func gather(_ log: EventLog, from cursor: Cursor, isFinal: Bool) -> Gathered? {
    var isFinal = isFinal
    let isLeaving = farewell != nil
    let promised = framing?.promised ?? 0
    // One that leaves gets what it was promised, and the event in which that ends: segments end within events.
    let place = Cursor(offset: cursor.offset + UInt64(promised))
    let owed = isLeaving ? Int(log.boundary(from: place).offset - cursor.offset) : 0
    if isLeaving, owed == 0 {
      // The last that this client gets, whatever else is in the log.
      if let bytes = farewell, !bytes.isEmpty { framing?.insert(bytes.span) }
      farewell = []
      isFinal = true
    }
    guard let framing else { return nil }
    // Room for the framing that may stand around two ranges.
    let rooms = OutputVector.pieces - 5
    let behind = isLeaving ? owed : Int(log.end.offset - cursor.offset)
    let most = min(behind, promised + ChunkFraming.largestPayload)
    var (available, segments) = (0, 0)
    log.lend(from: cursor) { segment, position in
      available += segment.count - position
      segments += 1
      return segments < rooms && available < most
    }
    available = min(available, most)
    let parts = framing.plan(
      lent: available, isAll: available == behind, isFinal: isLeaving ? isFinal && owed == 0 : isFinal)
    guard parts.unsent + parts.promised + parts.payload > 0 || parts.endsBody else { return nil }

    loop.output.removeAll()
    let head = framing.unsent.span.extracting(first: OutputVector.copiedBytes - 128)
    guard loop.output.copy(head), head.count == framing.unsent.count else {
      return Gathered(parts: parts, byteCount: head.count, isAll: false)
    }
    lend(log, from: cursor, count: parts.promised)
    copy(parts.between)
    lend(log, from: Cursor(offset: cursor.offset + UInt64(parts.promised)), count: parts.payload)
    copy(parts.after)
    // After what was promised comes the farewell, once there is room.
    let isAll = available == behind && !(isLeaving && owed > 0)
    return Gathered(parts: parts, byteCount: loop.output.byteCount, isAll: isAll)
  }

  private func copy(_ framing: ChunkFraming.Framing) {
    let fits = loop.output.copy(framing.bytes.span.extracting(first: framing.count))
    precondition(fits, "framing has its room in the vector")
  }

  private func lend(_ log: EventLog, from cursor: Cursor, count: Int) {
    guard count > 0 else { return }
    var rest = count
    log.lend(from: cursor) { segment, position in
      rest -= loop.output.add(segment, from: position, atMost: rest)
      return rest > 0
    }
    precondition(rest == 0, "a plan holds only what was lent")
  }

  private func block() -> PumpProgress {
    isBlocked = true
    account()
    socket.awaitWritable()
    return .blocked
  }

  // MARK: - Room and time

  /// The socket has room again.
  public func socketWritable() {
    defer { account() }
    isBlocked = false
    if case .lingering = state { return arm(after: ConnectionLimits.lingering) }
    guard case .answering(let exchange) = state else { return }
    if framing == nil {
      flushAnswer()
    } else {
      offerRoom(to: exchange)
    }
  }

  /// Heartbeats and stalled clients: one lazy timer, set again for what is still to come.
  func answerTimerFired() {
    if farewell != nil { return close(.slowReader) }
    if case .answering(let exchange) = state, let lastWrite = exchange.owner?.lastWrite {
      lastProgress = max(lastProgress, lastWrite)
    }
    let silent = loop.now - lastProgress
    if framing == nil || isBlocked {
      guard silent < limits.sendTimeout else { return close(.sendTimeout) }
      // A client that reads again is owed its heartbeat in time.
      return arm(after: min(limits.sendTimeout - silent, limits.heartbeat))
    }
    guard silent >= limits.heartbeat else {
      return arm(after: min(limits.heartbeat - silent, limits.sendTimeout))
    }
    writeHeartbeat()
  }

  private func writeHeartbeat() {
    arm(after: min(limits.heartbeat, limits.sendTimeout))
    guard framing?.isAtBoundary == true else { return }
    var comment: [UInt8] = []
    comment.append(SSEEncoder.heartbeat)
    framing?.insert(comment.span)
    guard case .answering(let exchange) = state else { return }
    offerRoom(to: exchange)
  }

  private func noteAllOffered() {
    guard case .answering(let exchange) = state else { return }
    exchange.record.events = exchange.record.offered
  }

  private func note(written count: Int) {
    lastProgress = loop.now
    guard case .answering(let exchange) = state else { return }
    exchange.record.bytes += UInt64(count)
  }
}
