internal import Admission
internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

/// A feed on the worker that has its upstream request.
///
/// Here are its beginning and its end, the upstream's side is in `FeedAnswer.swift`.
/// - Ends when: nobody has subscribed for as long as the route lets it linger, or the upstream refuses for good.
final class UpstreamFeed: Feed, TimerOwner {
  enum Timer: UInt8 {
    case hold, linger, reconnect
  }

  /// The longest id of a client's that the upstream is asked about.
  private static let maxIDBytes = 1024

  /// How the upstream is asked; a reload brings another.
  var route: FeedRoute
  /// What the upstream is sent at each attempt.
  let fields: FieldSection
  var request: UpstreamRequest?
  var events: UpstreamEvents?
  /// The upstream's refusal while its words are collected for the clients that wait.
  var refusal: UpstreamRefusal?
  /// The last id that the upstream gave, or that the first subscriber knew from it.
  var upstreamID: [UInt8]?
  /// Whether the upstream has ever given an id itself.
  var givesIDs = false
  /// Whether events may come again that are in the log already.
  var mayRepeat = false
  var hasAnswered = false
  var answeredAt = Instant(nanoseconds: 0)
  var backoff: Backoff
  /// Whether the upstream has ended while nobody was there, and is to be asked when somebody comes.
  var isResting = false
  var holdTimer: TimerID?
  var reconnectTimer: TimerID?
  private var lingerTimer: TimerID?
  /// For whom the upstream is asked: the first subscriber.
  let subject: LimitSubject
  private var slot: Slot?
  private var ticket: WaitTicket?
  private var mirrors = Mirrors()

  /// A feed that waits for its first reader and for `start`.
  ///
  /// - Parameters:
  ///   - key: whose it is.
  ///   - route: how to ask the upstream.
  ///   - worker: where it lives.
  ///   - fields: what the upstream is sent.
  ///   - subject: whom limits count it for.
  ///   - last: the id from which the first reader wants to go on.
  init(
    _ key: FeedKey, on route: FeedRoute, of worker: Worker, fields: FieldSection, subject: LimitSubject,
    after last: [UInt8]?
  ) {
    self.route = route
    self.subject = subject
    self.fields = fields
    backoff = Backoff(route.backoff)
    super.init(key, StreamID(), log: EventLog(), rules: route.rules, of: worker)
    if let last, EventID(last.span) == nil, Self.isFieldValue(last) {
      (upstreamID, clientsID) = (last, last)
    }
  }

  /// Asks the upstream.
  func start() {
    if route.answerAfter == .zero {
      openAnswers()
    } else {
      holdTimer = worker.loop.setTimer(after: route.answerAfter, for: self, tag: Timer.hold.rawValue)
    }
    guard worker.slots.table.applies(.upstream) else { return askUpstream() }
    switch worker.slots.claim(.upstream, for: subject.asking(upstream: route.upstream.name), by: self) {
    case .admitted(let slot):
      self.slot = slot
      askUpstream()
    case .refused(let refusal): refuse(refusal)
    case .waiting(let ticket): self.ticket = ticket
    }
  }

  /// A limit has no room for the request to the upstream.
  func refuse(_ refusal: LimitRefusal) {
    for reader in readers { reader.exchange.record.limit = refusal.limit.name }
    guard stage == .held else { return finish(.limited, limit: refusal.limit.name) }
    end(LimitAnswer.response(refusal, route.refusal, to: .get))
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
      if isWatched { askUpstream() } else { isResting = true }
    case nil:
      break
    }
  }

  // MARK: - Subscribers

  /// Whether anybody would notice an event.
  var isWatched: Bool { !readers.isEmpty || !mirrors.isEmpty }

  override func add(_ reader: Subscriber, at cursor: Cursor) {
    super.add(reader, at: cursor)
    watchedAgain()
  }

  /// Somebody is there again; an upstream that ended meanwhile is asked now.
  private func watchedAgain() {
    worker.loop.cancelTimer(&lingerTimer)
    guard isResting else { return }
    isResting = false
    askUpstream()
  }

  override func lastReaderLeft() {
    guard stage != .final, !isWatched else { return }
    guard route.linger > .zero else { return end() }
    lingerTimer = worker.loop.setTimer(after: route.linger, for: self, tag: Timer.linger.rawValue)
  }

  /// Begins the answers that were held back.
  func openAnswers() {
    worker.loop.cancelTimer(&holdTimer)
    refusal = nil
    guard stage == .held else { return }
    open()
    tellMirrors(.opened(id))
  }

  override func subscribe(_ exchange: Exchange, after last: [UInt8]?) {
    // What the log may lose now was sent to the mirrors before.
    if !mirrors.isEmpty { sendToMirrors() }
    trustLess(who: last)
    super.subscribe(exchange, after: last)
  }

  /// An id that one client brought is good for those who bring the same, until the upstream has answered it with an
  /// event: somebody else must not miss events because of what a stranger has made up.
  private func trustLess(who last: [UInt8]?) {
    guard clientsID != nil, last != clientsID, !givesIDs, log.newest == 0, let asked = request else { return }
    forgetClientsID()
    asked.cancel()
    askUpstream()
  }

  // MARK: - Mirrors

  /// Another worker has readers for this feed.
  func mirror(to place: Int, after last: [UInt8]?) {
    trustLess(who: last)
    mirrors.add(at: place, having: log.newest)
    let snapshot = FeedSnapshot(
      id: id, isOpen: stage == .open, clientsID: clientsID, oldest: log.oldest,
      batch: EventBatch(of: log, after: log.oldest - 1, ownID: ownID))
    worker.peers.post(.feed(key, .began(snapshot)), to: place)
    // Asking may fail at once: the mirror is to hear of it behind its beginning.
    watchedAgain()
  }

  /// The readers of another worker have gone.
  func mirrorLeft(_ place: Int) {
    mirrors.remove(at: place)
    if readers.isEmpty { lastReaderLeft() }
  }

  override func hold(_ isOn: Bool) {
    if isOn { request?.hold() } else { request?.letGo() }
  }

  override func turnEnded() {
    if !mirrors.isEmpty { sendToMirrors() }
  }

  private func sendToMirrors() {
    mirrors.send(log, ownID: ownID) { place, first, batch in
      worker.peers.post(.feed(key, .grew(id, first: first, batch)), to: place)
    }
  }

  override func keepOnlyUnread() {
    if !mirrors.isEmpty { sendToMirrors() }
    super.keepOnlyUnread()
  }

  private func tellMirrors(_ message: FeedMessage) {
    for place in mirrors.places { worker.peers.post(.feed(key, message), to: place) }
  }

  // MARK: - Events

  /// Appends an event of the upstream's, with its own id where it has one.
  ///
  /// What the upstream sends again after a reconnection is in the log already.
  func append(_ event: StreamEvent) {
    let own = event.hasID ? event.id : nil
    if let own {
      if mayRepeat, !own.isEmpty, isInLog(event) {
        upstreamID = own
        return
      }
      upstreamID = own.isEmpty ? nil : own
      givesIDs = true
    }
    mayRepeat = false
    backoff.reset()
    append(ownID: own, type: event.type.span, data: event.data.span)
    note(own)
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
    note(nil)
  }

  override func forgetClientsID() {
    if stage == .open { appendGap(after: clientsID) }
    super.forgetClientsID()
    upstreamID = nil
    tellMirrors(.forgotClientsID(id))
  }

  /// Whether an id may be sent as a header field's value (RFC 9110 §5.5), and is none that only costs.
  private static func isFieldValue(_ id: [UInt8]) -> Bool {
    id.count <= maxIDBytes && id.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && id.first != 0x20 && id.last != 0x20
  }

  // MARK: - Ends

  /// Ends every subscriber's answer with the gateway's error event.
  func finish(_ reason: CloseReason, status: Int? = nil, limit: String? = nil) {
    if stage == .final { return }
    openAnswers()
    failure = reason
    let data = GatewayEvent.error(reason, in: route.terminalField, status: status, limit: limit)
    let type: [UInt8] = []
    append(type: type.span, data: data.span)
    note(nil)
    end()
  }

  override func end(_ response: Response? = nil) {
    if stage == .final { return }
    sendToMirrors()
    tellMirrors(.ended(id, response, failure))
    release()
    super.end(response)
  }

  override func interrupt() {
    if stage == .final { return }
    tellMirrors(.interrupted(id))
    release()
    super.interrupt()
  }

  private func release() {
    events = nil
    mirrors.removeAll()
    worker.loop.cancelTimer(&holdTimer)
    worker.loop.cancelTimer(&lingerTimer)
    worker.loop.cancelTimer(&reconnectTimer)
    request?.cancel()
    request = nil
    if let ticket { worker.slots.abandon(ticket) }
    ticket = nil
    if let slot { worker.slots.release(slot) }
    slot = nil
  }
}

extension UpstreamFeed: SlotOwner {
  func slotGranted(_ slot: Slot) {
    ticket = nil
    self.slot = slot
    askUpstream()
  }

  func slotRefused(_ refusal: LimitRefusal) {
    ticket = nil
    refuse(refusal)
  }

  func slotEvicted(by limit: String) {
    finish(.evicted, limit: limit)
  }
}
