internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

/// One long-lived upstream request, shared by every subscriber with the same key: the readers' side of it.
///
/// `UpstreamFeed` is the one that has the upstream request; on other workers a `MirrorFeed` repeats it for the readers
/// there.
/// - Owner: the worker's table of feeds, and its readers.
/// - Thread: the worker's.
class Feed: Stream {
  let key: FeedKey
  /// Where ids are in the log that the upstream gave.
  private var ids: IDIndex
  /// The id that the newest event shows to readers.
  private(set) var newestID: [UInt8] = []
  /// The id of a client's under which the log begins.
  var clientsID: [UInt8]?

  init(_ key: FeedKey, _ id: StreamID, log: EventLog, rules: StreamRules, of worker: Worker) {
    self.key = key
    ids = IDIndex(first: log.oldest)
    super.init(id, log: log, rules: rules, of: worker)
    newestID = gatewayID(0)
  }

  override var name: StreamName { .feed(id) }

  // MARK: - Subscribers

  /// Attaches a reader behind the event that it names, or to what comes from now on.
  func subscribe(_ exchange: Exchange, after last: [UInt8]?) {
    log.trim(to: rules.logBounds, at: worker.loop.now.milliseconds)
    ids.forget(before: log.oldest)
    guard let last else { return attach(exchange, at: log.end, seen: log.newest, .new) }
    guard let seen = place(of: last) else {
      return attach(exchange, at: log.start, seen: log.oldest - 1, .lost(.after(id: last)))
    }
    switch Replay.decide(seen: seen, oldest: log.oldest, newest: log.newest, isFinished: false) {
    case .follow(let after): attach(exchange, at: log.cursor(after: after), seen: after)
    case .gap, .nothingLeft, .impossible:
      attach(exchange, at: log.start, seen: log.oldest - 1, .lost(.after(id: last)))
    }
  }

  /// The sequence of the event that an id names; `nil` where it is not known, or not any more.
  func place(of last: [UInt8]) -> UInt64? {
    if let own = EventID(last.span), own.stream == id { return own.sequence }
    if last == newestID { return log.newest }
    var ending: [UInt8] = []
    ending.append("\nid: ")
    ending.append(last.span)
    ending.append("\n\n")
    // An event ends in its id: what the hash found is looked at where it stands.
    let found = ids.newest(with: last) { log.event($0).suffix(ending.count).elementsEqual(ending) }
    return found ?? (last == clientsID ? 0 : nil)
  }

  override func appendPrelude(for reader: Subscriber, to prelude: inout [UInt8]) {
    prelude.append("retry: ")
    prelude.append(decimal: rules.retry.random())
    prelude.append("\n")
    switch reader.arrival {
    case .new:
      // The id by which it goes on, should it be cut before its first event.
      prelude.append("id: ")
      prelude.append(contentsOf: newestID)
      prelude.append("\n\n")
    case .resumed:
      prelude.append("\n")
    case .lost(let lost):
      prelude.append("\n")
      let type = GatewayEvent.gapType
      let data =
        switch lost {
        case .sequences(let sequences): GatewayEvent.gap(sequences)
        case .after(let id): GatewayEvent.gap(afterID: id)
        }
      SSEEncoder.append(id: nil, type: type.span, data: data.span, to: &prelude)
    }
  }

  override func appendGap(_ lost: ClosedRange<UInt64>, after lastID: [UInt8]?, to bytes: inout [UInt8]) {
    let (type, data) = (GatewayEvent.gapType, GatewayEvent.gap(afterID: lastID))
    SSEEncoder.append(id: nil, type: type.span, data: data.span, to: &bytes)
  }

  override func shownID(of sequence: UInt64) -> [UInt8]? {
    guard sequence >= log.oldest else { return nil }
    return ownID(of: sequence) ?? gatewayID(sequence)
  }

  // MARK: - Events

  /// Takes note of what the newest event in the log shows as its id; `nil` where that is the gateway's.
  func note(_ ownID: [UInt8]?) {
    ids.append(ownID)
    newestID = ownID ?? gatewayID(log.newest)
  }

  /// The id that a kept event shows, where it is not the gateway's.
  func ownID(of sequence: UInt64) -> [UInt8]? {
    guard ids.hasID(sequence) else { return nil }
    // An event ends in its id: "id: …", then two line feeds.
    let event = log.event(sequence).dropLast(2)
    return Array(event[((event.lastIndex(of: ASCII.lineFeed) ?? 0) + 5)...])
  }

  /// The upstream does not know the id that a client brought: what came after it is lost to those who wait.
  func forgetClientsID() {
    guard let lost = clientsID else { return }
    clientsID = nil
    guard stage == .held else { return }
    // Those who named no id have lost nothing.
    for reader in readers {
      if case .resumed = reader.arrival { reader.arrival = .lost(.after(id: lost)) }
    }
  }

  override func keepOnlyUnread() {
    super.keepOnlyUnread()
    ids.forget(before: log.oldest)
  }

  override func tidy() {
    super.tidy()
    ids.forget(before: log.oldest)
  }

  private func gatewayID(_ sequence: UInt64) -> [UInt8] {
    var text = idText
    text.append(".")
    text.append(decimal: sequence)
    return text
  }

  // MARK: - Ends

  /// Nothing follows; whoever comes now begins another feed.
  ///
  /// - Parameter response: what those get whose answers were held back; the others' end.
  func end(_ response: Response? = nil) {
    if stage == .final { return }
    let waiting = stage == .held ? readers.map(\.exchange) : []
    stage = .final
    worker.feeds.forget(self)
    markGrown()
    guard let response else { return }
    for exchange in waiting { exchange.respond(response) }
  }

  /// Ends with every reader cut, for they are to come back.
  func interrupt() {
    for reader in readers { cut(reader, .drained) }
    end()
  }
}
