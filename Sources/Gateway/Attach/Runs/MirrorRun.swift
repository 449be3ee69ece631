internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

/// A run on a worker other than its home: a log of its own, filled from there, for readers that can't be moved.
///
/// At home it counts as one reader.
/// - Owner: the worker's table of mirrors, and its readers.
/// - Thread: the worker's.
/// - Ends when: its home has agreed that nobody reads it any more.
final class MirrorRun: Stream {
  /// How many readers its home has given it.
  private(set) var given = 0

  init(_ id: StreamID, _ snapshot: RunSnapshot, of worker: Worker) {
    super.init(id, log: EventLog(first: snapshot.oldest), rules: snapshot.rules, of: worker)
    stage = .open
    append(snapshot.batch)
    if snapshot.isFinished { end(snapshot.failure) }
  }

  override var name: StreamName { .run(id) }

  /// Attaches a reader where its home says; `nil` where it has left meanwhile.
  func take(_ exchange: Exchange?, at place: RunPlace) {
    given += 1
    guard let exchange else { return leaveUnread() }
    guard place.seen + 1 < log.oldest else {
      let arrival = place.lost.map { Arrival.lost(.sequences($0)) } ?? .resumed
      return attach(exchange, at: log.cursor(after: place.seen), seen: place.seen, arrival)
    }
    // This worker had to give up more than the run's own: `streams.budget`.
    let lost = (place.lost?.lowerBound ?? place.seen + 1)...(log.oldest - 1)
    attach(exchange, at: log.start, seen: log.oldest - 1, .lost(.sequences(lost)))
  }

  override func appendPrelude(for reader: Subscriber, to prelude: inout [UInt8]) {
    appendRunPrelude(for: reader, to: &prelude)
  }

  override func appendGap(_ lost: ClosedRange<UInt64>, after lastID: [UInt8]?, to bytes: inout [UInt8]) {
    appendRunGap(lost, to: &bytes)
  }

  override func lastReaderLeft() { leaveUnread() }

  /// Tells its home that nobody reads; it may have given one more reader meanwhile.
  private func leaveUnread() {
    guard readers.isEmpty else { return }
    worker.peers.post(.run(.left(id, by: worker.place, given: given)), to: worker.peers.home(of: id.home))
  }

  /// Takes over what its home has got.
  func append(_ batch: EventBatch) {
    let now = worker.loop.now.milliseconds
    batch.lend { event, _ in log.append(event: event, at: now) }
    markGrown()
  }

  /// What its home tells; false where events are missing.
  func grew(first: UInt64, _ batch: EventBatch) -> Bool {
    guard first == log.newest + 1 else { return false }
    append(batch)
    return true
  }

  /// The terminal event was the last.
  func end(_ failure: CloseReason?) {
    self.failure = failure
    stage = .final
    markGrown()
  }

  /// Readers are to come back.
  func interrupt() {
    for reader in readers { cut(reader, .drained) }
  }

  override func tidy() {
    // Nothing follows: what its last segment has left is of no use.
    if stage == .final { log.compact() }
    super.tidy()
  }
}

extension Stream {
  /// What a reader of a run gets first: the reconnection time, its place, and what it has lost.
  func appendRunPrelude(for reader: Subscriber, to prelude: inout [UInt8]) {
    let idText = idText
    SSEEncoder.appendPriming(
      retryMilliseconds: rules.retry.random(), idPrefix: idText.span, sequence: reader.seen, to: &prelude)
    guard case .lost(.sequences(let lost)) = reader.arrival else { return }
    appendRunGap(lost, to: &prelude)
  }

  /// What a reader of a run hears of events that it does not get.
  func appendRunGap(_ lost: ClosedRange<UInt64>, to bytes: inout [UInt8]) {
    let (idText, type, data) = (idText, GatewayEvent.gapType, GatewayEvent.gap(lost))
    SSEEncoder.append(
      idPrefix: idText.span, sequence: lost.upperBound, type: type.span, data: data.span, to: &bytes)
  }
}
