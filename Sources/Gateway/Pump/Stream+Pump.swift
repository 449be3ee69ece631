internal import Reactor
internal import Streams

// What a stream has for its readers goes out here, at the end of a turn.

extension Stream {
  /// However little is left of a turn, this many readers get theirs: enough for every run.
  private static let leastWrites = 16

  /// Writes to the readers that can take bytes, then gives back what is not kept.
  ///
  /// Readers that are many are written to in several turns, so that other streams of the worker have theirs in between;
  /// what comes meanwhile goes out with the same write.
  ///
  /// - Parameter writes: how many the turn has left; becomes less.
  /// - Returns: whether every reader had its turn.
  func pump(atMost writes: inout Int) -> Bool {
    isMarked = false
    turnEnded()
    pumpNewcomers()
    if hasGrown, !pumping.isWalking {
      hasGrown = false
      pumping.beginWalk()
    }
    var rest = max(writes, Self.leastWrites)
    walk(&rest)
    writes = min(writes, rest)
    let isUnfinished = pumping.isWalking || hasGrown
    // Said again in every turn: what fills the log may be another request than a turn ago.
    if isUnfinished || isHolding { hold(isUnfinished) }
    isHolding = isUnfinished
    if pumping.isWalking {
      worker.budget.account(self)
    } else {
      tidy()
    }
    return !isUnfinished
  }

  private func pumpNewcomers() {
    guard !newcomers.isEmpty else { return }
    var readers: [Subscriber] = []
    swap(&readers, &newcomers)
    for reader in readers { pump(reader) }
  }

  private func walk(_ writes: inout Int) {
    let frame = worker.frame
    defer { frame.clear() }
    while pumping.isWalking, writes > 0 {
      if stage == .open {
        lastWrite = worker.loop.now
        switch pumping.writeToFree(log, by: frame, atMost: &writes) {
        case .done: continue
        case .bound: break
        case .took(let count):
          take(count, of: frame, by: pumping.step())
          continue
        }
      }
      writes -= 1
      pump(pumping.step())
    }
  }

  /// A free reader's socket took a part of the frame; the rest waits for room.
  private func take(_ count: Int, of frame: Frame, by reader: Subscriber) {
    guard let connection = reader.exchange.transport as? HTTP1Connection else { return }
    noteWrites(to: reader)
    let payload = connection.took(count, of: frame.plan)
    let cursor = Cursor(offset: frame.start.offset + UInt64(payload))
    _ = pumping.place(reader, at: cursor, freeBy: -1)
  }

  /// Writes to one reader through its transport; what becomes of one that lags too far behind is its route's choice.
  func pump(_ reader: Subscriber) {
    let exchange = reader.exchange
    guard stage != .held, let transport = exchange.transport else { return }
    noteWrites(to: reader)
    if let detour = reader.detour { return pump(reader, by: detour, over: transport) }
    let isFinal = stage == .final
    exchange.record.offered = reader.offered(upTo: log.newest)
    if isFinal { exchange.record.reason = failure }
    var cursor = pumping.cursor(of: reader)
    let progress = transport.pump(log, from: &cursor, isFinal: isFinal)
    if progress == .ended { return }
    let descriptor = progress == .caughtUp ? (transport as? HTTP1Connection)?.frameDescriptor : nil
    _ = pumping.place(reader, at: cursor, freeBy: descriptor ?? -1)
    let isNear = isNear(cursor)
    if isNear { reader.hasCaughtUp = true }
    balance(reader, isBlocked: progress != .caughtUp)
    guard progress == .blocked else { return }
    exchange.record.reason = nil
    guard worker.memory.mayLag(by: log.end.offset - cursor.offset) else { return transport.abort(.slowReader) }
    // One that catches up may be further behind, but not behind what is kept; one that is waited for may be both.
    if reader.hasCaughtUp && !isNear || cursor < log.start, !isWaiting { fellBehind(reader, over: transport) }
  }

  /// Whether a reader at this place lags no further than `streams.client_buffer`.
  ///
  /// The newest event does not count: encoded it may be larger than all that a reader may lag.
  func isNear(_ cursor: Cursor) -> Bool {
    log.end.offset - cursor.offset <= UInt64(rules.clientBufferBytes + log.newestBytes)
  }

  // MARK: - What was written without the transport

  /// Tells a reader's exchange what was written to it while it was free; it is not free any more.
  func noteWrites(to reader: Subscriber) {
    guard pumping.holds(reader) else { return }
    let cursor = pumping.cursor(of: reader)
    let bytes = pumping.place(reader, at: cursor, freeBy: -1)
    guard bytes > 0 else { return }
    reader.exchange.record.bytes += bytes
    reader.exchange.record.offered = reader.offered(upTo: log.sequence(before: cursor))
    reader.exchange.record.events = reader.exchange.record.offered
  }

  /// When a free reader was last written to.
  func lastWrite(to reader: Subscriber) -> Instant? {
    pumping.holds(reader) && pumping.isFree(reader) ? lastWrite : nil
  }
}
