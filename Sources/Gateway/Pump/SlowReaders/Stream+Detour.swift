internal import Reactor
internal import Streams

// Readers that lag further than `streams.client_buffer`.
//
// One that is not disconnected leaves the log, so that it holds none of it, and reads from a detour of its own. That is
// filled when all of it was taken, which is when its socket has room; once it has caught up, it reads the log again.

extension Stream {
  /// A reader lags too far: disconnects it, or leads it off the log.
  func fellBehind(_ reader: Subscriber, over transport: any ExchangeTransport) {
    let cursor = pumping.cursor(of: reader)
    let forgotten = Int(max(log.start, cursor).offset - cursor.offset)
    guard forgotten <= rules.clientBufferBytes else { return disconnect(transport) }
    switch rules.slowReaders {
    case .disconnect: return disconnect(transport)
    case .skip: worker.counters.skippingReaders.add(1)
    case .coalesce: worker.counters.coalescedReaders.add(1)
    }
    let detour = Detour(from: cursor, promised: max(transport.promisedBytes, forgotten), in: log)
    let slow = reader.slow ?? SlowReading()
    reader.slow = slow
    slow.lastID = shownID(of: detour.next - 1)
    set(detour, for: reader)
    keepPlace(of: reader)
  }

  private func disconnect(_ transport: any ExchangeTransport) {
    worker.counters.disconnectedReaders.add(1)
    transport.abort(.slowReader)
  }

  /// Writes to a reader that is off the log.
  func pump(_ reader: Subscriber, by given: Detour, over transport: any ExchangeTransport) {
    var detour = given
    var progress = PumpProgress.caughtUp
    while true {
      let isLast = stage == .final && detour.next > log.newest
      reader.exchange.record.offered = reader.offered(upTo: detour.next - 1)
      if isLast { reader.exchange.record.reason = failure }
      progress = transport.pump(detour.log, from: &detour.cursor, isFinal: isLast)
      guard progress == .caughtUp else { break }
      guard canRefill(detour) else { return disconnect(transport) }
      guard refill(&detour, for: reader) else { return backToLog(reader, at: detour.next) }
    }
    guard progress != .ended else { return }
    reader.exchange.record.reason = nil
    set(detour, for: reader)
    guard canRefill(detour) else { return disconnect(transport) }
    keepPlace(of: reader)
    balance(reader, isBlocked: true)
  }

  /// Whether a reader can still get what follows, or hear what is missing.
  private func canRefill(_ detour: Detour) -> Bool {
    switch rules.slowReaders {
    // Its last event may have left the log, and is not to be passed over.
    case .skip: stage != .final || log.oldest <= log.newest || detour.next > log.newest
    case .disconnect, .coalesce: detour.next >= log.oldest
    }
  }

  /// Takes what a reader gets next; false where that is in the log.
  private func refill(_ detour: inout Detour, for reader: Subscriber) -> Bool {
    if detour.next > log.newest { return false }
    switch rules.slowReaders {
    case .disconnect: return false
    case .skip:
      if detour.next >= log.oldest, isNear(log.cursor(after: detour.next - 1)) { return false }
      skip(&detour, for: reader)
    case .coalesce(let rule):
      let merged = detour.fill(from: log, merging: rule, maxEventBytes: rules.eventBytes)
      reader.slow?.missed += merged
      worker.counters.mergedEvents.add(Int(merged))
    }
    return true
  }

  private func skip(_ detour: inout Detour, for reader: Subscriber) {
    let newest = max(log.newest, log.oldest)
    guard newest > detour.next else { return detour.skip(to: newest, telling: []) }
    let lost = detour.next...(newest - 1)
    var notice: [UInt8] = []
    appendGap(lost, after: reader.slow?.lastID, to: &notice)
    detour.skip(to: newest, telling: notice)
    reader.slow?.missed += UInt64(lost.count)
    worker.counters.skippedEvents.add(lost.count)
  }

  private func backToLog(_ reader: Subscriber, at next: UInt64) {
    set(nil, for: reader)
    _ = pumping.place(reader, at: log.cursor(after: next - 1), freeBy: -1)
    pump(reader)
  }

  /// Notes which part of the log a reader off it still needs: never what the log does not keep.
  private func keepPlace(of reader: Subscriber) {
    guard let next = reader.detour?.next, pumping.holds(reader) else { return }
    let first =
      if case .skip = rules.slowReaders { max(next, log.newest) } else { next }
    let kept = min(max(first, log.oldest), log.newest + 1)
    _ = pumping.place(reader, at: log.cursor(after: kept - 1), freeBy: -1)
  }

  /// Gives a reader another detour, or none, and counts what it occupies.
  func set(_ detour: Detour?, for reader: Subscriber) {
    detourBytes += (detour?.occupiedBytes ?? 0) - (reader.detour?.occupiedBytes ?? 0)
    reader.slow?.detour = detour
  }
}
