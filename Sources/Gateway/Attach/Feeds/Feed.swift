internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

/// One long-lived upstream request, shared by every subscriber with the same key.
///
/// Its subscribers are here, the upstream's side is in `FeedAnswer.swift`.
/// - Owner: the worker's table of feeds, and its readers.
/// - Thread: the worker's.
/// - Ends when: nobody has subscribed for as long as the route lets it linger, or the upstream refuses for good.
final class Feed: Stream, TimerOwner {
  enum Timer: UInt8 {
    case hold, linger, reconnect
  }

  let key: FeedKey
  let route: FeedRoute
  /// What the upstream is sent at each attempt.
  let fields: FieldSection
  var request: UpstreamRequest?
  var events: UpstreamEvents?
  /// The upstream's refusal while its words are collected for the clients that wait.
  var refusal: UpstreamRefusal?
  /// Where the upstream's ids are in the log.
  private var ids = IDIndex()
  /// The id that the newest event shows to readers.
  private var newestID: [UInt8]
  /// The last id that the upstream gave, or that the first subscriber knew from it.
  var upstreamID: [UInt8]?
  /// The id of a client's under which the log begins, until the upstream has given one itself.
  var clientsID: [UInt8]?
  /// Whether events may come again that are in the log already.
  var mayRepeat = false
  var hasAnswered = false
  var answeredAt = Instant(nanoseconds: 0)
  var backoff: Backoff
  var holdTimer: TimerID?
  var reconnectTimer: TimerID?
  private var lingerTimer: TimerID?

  /// A feed that waits for `start`.
  init(_ key: FeedKey, on route: FeedRoute, of worker: Worker, fields: FieldSection) {
    self.key = key
    self.route = route
    self.fields = fields
    backoff = Backoff(route.backoff)
    newestID = []
    super.init(rules: route.rules, of: worker)
    newestID = gatewayID(0)
  }

  override var name: StreamName { .feed(id) }

  /// Asks the upstream, from where the first subscriber left off.
  func start(for exchange: Exchange, after last: [UInt8]?) {
    if let last, EventID(last.span) == nil, Self.isFieldValue(last) {
      (upstreamID, clientsID) = (last, last)
    }
    subscribe(exchange, after: last)
    if route.answerAfter == .zero {
      open()
    } else {
      holdTimer = worker.loop.setTimer(after: route.answerAfter, for: self, tag: Timer.hold.rawValue)
    }
    askUpstream()
  }

  func timerFired(_ tag: UInt8) {
    switch Timer(rawValue: tag) {
    case .hold:
      holdTimer = nil
      if refusal == nil { openAnswers() } else { refuseForGood() }
    case .linger:
      lingerTimer = nil
      end()
    case .reconnect:
      reconnectTimer = nil
      askUpstream()
    case nil:
      break
    }
  }

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
  private func place(of last: [UInt8]) -> UInt64? {
    if let own = EventID(last.span), own.stream == id { return own.sequence }
    if last == clientsID { return 0 }
    var ending: [UInt8] = []
    ending.append("\nid: ")
    ending.append(last.span)
    ending.append("\n\n")
    // An event ends in its id: what the hash found is looked at where it stands.
    return ids.newest(with: last) { log.event($0).suffix(ending.count).elementsEqual(ending) }
  }

  override func add(_ reader: Subscriber) {
    worker.loop.cancelTimer(&lingerTimer)
    super.add(reader)
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

  override func lastReaderLeft() {
    guard stage != .final else { return }
    guard route.linger > .zero else { return end() }
    lingerTimer = worker.loop.setTimer(after: route.linger, for: self, tag: Timer.linger.rawValue)
  }

  /// Begins the answers that were held back.
  func openAnswers() {
    worker.loop.cancelTimer(&holdTimer)
    refusal = nil
    open()
  }

  // MARK: - Events

  /// Appends an event of the upstream's, with its own id where it has one.
  ///
  /// What the upstream sends again after a reconnection is in the log already.
  func append(_ event: StreamEvent) {
    let own = event.hasID ? event.id : nil
    if let own {
      if mayRepeat, isInLog(event) {
        upstreamID = own
        return
      }
      upstreamID = own.isEmpty ? nil : own
      clientsID = nil
    }
    mayRepeat = false
    backoff.reset()
    append(ownID: own, type: event.type.span, data: event.data.span)
    ids.append(own)
    newestID = own ?? gatewayID(log.newest)
  }

  private func isInLog(_ event: StreamEvent) -> Bool {
    guard let sequence = place(of: event.id), sequence >= log.oldest, sequence <= log.newest else { return false }
    var encoded: [UInt8] = []
    SSEEncoder.append(id: event.id, type: event.type.span, data: event.data.span, to: &encoded)
    return log.event(sequence) == encoded
  }

  /// Tells every subscriber that events were lost on the upstream's side.
  func appendGap(after id: [UInt8]?) {
    let (type, data) = (GatewayEvent.gapType, GatewayEvent.gap(afterID: id))
    append(type: type.span, data: data.span)
    ids.append(nil)
    newestID = gatewayID(log.newest)
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

  /// Whether an id may be sent as a header field's value (RFC 9110 §5.5).
  private static func isFieldValue(_ id: [UInt8]) -> Bool {
    id.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && id.first != 0x20 && id.last != 0x20
  }

  // MARK: - Ends

  /// Ends every subscriber's answer with the gateway's error event.
  func finish(_ reason: CloseReason, status: Int? = nil) {
    if stage == .final { return }
    openAnswers()
    failure = reason
    let (type, data) = ([UInt8](), GatewayEvent.error(reason, in: route.terminalField, status: status))
    append(type: type.span, data: data.span)
    end()
  }

  /// Nothing follows; whoever comes now begins another feed.
  func end() {
    if stage == .final { return }
    stage = .final
    events = nil
    worker.loop.cancelTimer(&holdTimer)
    worker.loop.cancelTimer(&lingerTimer)
    worker.loop.cancelTimer(&reconnectTimer)
    request?.cancel()
    request = nil
    worker.feeds.forget(self)
    markGrown()
  }
}
