internal import Bytes
internal import HTTP2
internal import Reactor
internal import Streams

// What goes out. Streams are pumped one by one, each frame is put behind the others of the turn, and at the turn's end
// one write takes them all. A stream whose window is closed waits for itself; a full socket holds all of them.

extension HTTP2Connection {
  /// What one stream has for its DATA frames, while it is pumped.
  struct Offer {
    let stream: HTTP2Stream
    let log: EventLog
    var cursor: Cursor
    /// Bytes of the log that are offered.
    var rest: Int
    /// Of these, what this turn of the stream may take.
    var share: Int
    let endsBody: Bool
    /// Whether the stream has had its share.
    var isSpent = false
  }

  /// What one stream may frame before its neighbours get their turn.
  private static let streamShareBytes = 16 * 1024
  /// What is framed before it is written.
  private static let mostFramedBytes = 64 * 1024
  /// What one connection may write before other connections get their turn.
  private static let turnShareBytes = 256 * 1024

  // MARK: - One stream

  /// Frames what lies behind a stream's cursor.
  func pump(
    _ stream: HTTP2Stream, _ log: EventLog, from cursor: inout Cursor, isFinal: Bool
  ) -> PumpProgress {
    // Within the session's own work nothing can be framed: at the end of the turn, then.
    guard !session.isBusy else {
      queue(stream)
      return .yielded
    }
    if corked.byteCount >= Self.mostFramedBytes { write() }
    guard !isBlocked, case .open = state else {
      queue(stream)
      return .blocked
    }
    let behind = Int(log.end.offset - cursor.offset)
    let isLeaving = stream.farewell != nil
    if isLeaving { stream.sayFarewell() }
    let rest = isLeaving ? min(stream.promised, behind) : behind
    let endsBody = isLeaving ? stream.endsAfterUnsent : isFinal
    guard rest > 0 || !stream.unsent.isEmpty || endsBody else { return .caughtUp }
    offer = Offer(
      stream: stream, log: log, cursor: cursor, rest: rest, share: min(rest, Self.streamShareBytes),
      endsBody: endsBody)
    session.resume(stream.id)
    sendFrames()
    guard let offer else { return .ended }
    self.offer = nil
    cursor = offer.cursor
    cork()
    return progress(of: stream, offer)
  }

  private func progress(of stream: HTTP2Stream, _ offer: Offer) -> PumpProgress {
    guard stream.exchange != nil else { return .ended }
    stream.promised = offer.rest
    if offer.rest == 0, stream.unsent.isEmpty, !offer.endsBody {
      stream.isHeld = false
      // What follows is the farewell.
      if stream.farewell != nil { queue(stream) }
      return .caughtUp
    }
    if offer.isSpent {
      stream.isHeld = false
      queue(stream)
      return .yielded
    }
    stream.isHeld = true
    return .blocked
  }

  /// Frames a stream's own bytes, if that can be done now.
  func sendUnsent(of stream: HTTP2Stream) {
    guard !session.isBusy, !isBlocked else { return }
    session.resume(stream.id)
    sendFrames()
  }

  /// Gives a stream its turn when there is room.
  func queue(_ stream: HTTP2Stream) {
    guard !stream.isWaiting else { return }
    stream.isWaiting = true
    waiting.append(stream)
    if !isBlocked { cork() }
  }

  // MARK: - What the session asks for

  func framesReady(_ bytes: Span<UInt8>) {
    corked.copy(bytes)
  }

  func payload(of id: Int32, atMost limit: Int) -> HTTP2Payload {
    guard let stream = offer?.stream.id == id ? offer?.stream : stream(id) else { return .nothing }
    guard offer?.stream === stream else { return unsentPayload(of: stream, atMost: limit) }
    guard let offer else { return .nothing }
    let all = stream.unsent.count + offer.rest
    let now = stream.unsent.count + offer.share
    if all == 0 { return offer.endsBody ? .bytes(0, isLast: true) : .nothing }
    if now == 0 {
      self.offer?.isSpent = true
      return .nothing
    }
    let count = min(now, limit)
    budget.noteData(count, isCut: count < now)
    if count == all { stream.exchange?.record.noteAllOffered() }
    return .bytes(count, isLast: count == all && offer.endsBody)
  }

  /// Outside of its pump a stream has only what is its own.
  private func unsentPayload(of stream: HTTP2Stream, atMost limit: Int) -> HTTP2Payload {
    let all = stream.unsent.count
    if all == 0, !stream.endsAfterUnsent {
      // Its window was opened.
      if stream.answer == .events { queue(stream) }
      return .nothing
    }
    let count = min(all, limit)
    budget.noteData(count, isCut: count < all)
    return .bytes(count, isLast: count == all && stream.endsAfterUnsent)
  }

  func dataReady(_ id: Int32, head: Span<UInt8>, count: Int) {
    guard let stream = offer?.stream.id == id ? offer?.stream : stream(id) else { return }
    corked.copy(head)
    let own = min(stream.unsent.count, count)
    if own > 0 {
      let bytes = stream.unsent
      corked.copy(bytes.span.extracting(first: own))
      stream.unsent = own == bytes.count ? [] : bytes.dropFirst(own)
    }
    lend(count - own)
    stream.lastProgress = loop.now
    stream.exchange?.record.bytes += UInt64(count)
  }

  private func lend(_ count: Int) {
    guard count > 0, let offer else { return }
    var rest = count
    offer.log.lend(from: offer.cursor) { segment, position in
      let length = min(rest, segment.count - position)
      corked.lend(segment, from: position, count: length)
      rest -= length
      return rest > 0
    }
    precondition(rest == 0, "a payload holds only what was offered")
    self.offer?.cursor.offset += UInt64(count)
    self.offer?.rest -= count
    self.offer?.share -= count
  }

  func answerEnded(_ id: Int32) {
    stream(id)?.answerEnded()
  }

  // MARK: - The connection

  /// Has everything that waits written at the end of the turn.
  func cork() {
    guard !isCorked else { return }
    if case .closed = state { return }
    isCorked = true
    receiver.writesAtTurnEnd(self)
  }

  /// The end of the turn: frames and writes what is left, in turns among the streams.
  func turnEnded() {
    guard state != .closed, state != .lingering, !isBlocked else { return isCorked = false }
    sendFrames()
    write()
    // Whoever asks for a turn meanwhile has it here, or in the next turn of the loop.
    serveWaiting()
    isCorked = false
    if case .open = state, session.isOver { endStreams(.badRequest) }
    if case .ending = state, corked.isEmpty, !session.wantsToSend { linger() }
  }

  private func sendFrames() {
    do throws(HTTP2SessionError) {
      try session.sendFrames()
    } catch {
      close(.clientReset)
    }
  }

  /// Lets streams frame what waits for room, as long as the socket takes it.
  private func serveWaiting() {
    var written = 0
    while !waiting.isEmpty, !isBlocked, case .open = state {
      // The rest of it in the next turn, after other connections.
      guard written < Self.turnShareBytes else { return socket.awaitWritable() }
      var streams: [HTTP2Stream] = []
      swap(&streams, &waiting)
      for stream in streams {
        stream.isWaiting = false
        offerRoom(to: stream)
      }
      sendFrames()
      // Whoever has nothing to say would otherwise never let this end.
      written += max(corked.byteCount, 1024)
      write()
    }
  }

  /// Lets whoever owns a stream's answer go on; where nobody does any more, what is left is the farewell.
  private func offerRoom(to stream: HTTP2Stream) {
    guard let exchange = stream.exchange, stream.answer == .events else { return }
    guard exchange.owner == nil else { return receiver.clientWritable(exchange) }
    let nothing = EventLog()
    var cursor = nothing.end
    _ = pump(stream, nothing, from: &cursor, isFinal: false)
  }

  /// Writes what is framed, as far as the socket takes it.
  private func write() {
    while !corked.isEmpty {
      loop.output.removeAll()
      corked.fill(loop.output)
      let offered = loop.output.byteCount
      let outcome = socket.writeOutput()
      loop.output.removeAll()
      switch outcome {
      case .wrote(let count):
        corked.written(count)
        lastWrite = loop.now
        guard count < offered else { continue }
        return block()
      case .wouldBlock:
        return block()
      case .failed:
        return close(.clientReset)
      }
    }
  }

  /// Writes what is framed as far as it is taken at once: nothing comes after it.
  func sayLast() {
    guard !isBlocked, !session.isBusy else { return }
    sendFrames()
    loop.output.removeAll()
    corked.fill(loop.output)
    if loop.output.byteCount > 0 { _ = socket.writeOutput() }
    loop.output.removeAll()
  }

  private func block() {
    isBlocked = true
    wake(by: lastWrite + limits.sendTimeout)
    socket.awaitWritable()
  }

  /// The socket has room again, or the next turn has come.
  func socketWritable() {
    isBlocked = false
    if case .lingering = state, socket.isFlushed { return wake(by: loop.now + ConnectionLimits.lingering) }
    cork()
  }
}

extension ExchangeRecord {
  /// Everything that was offered is on its way.
  mutating func noteAllOffered() {
    events = offered
  }
}
