internal import Admission
internal import Bytes
internal import Crypto
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// One orchestrator request and its answer, as a log that any number of readers may follow, join and resume.
///
/// What comes from the orchestrator is in `RunAnswer.swift`; here are the readers and the ends.
/// - Owner: the worker's table of runs, and its readers.
/// - Thread: the worker's.
/// - Ends when: a terminal event was appended, the orchestrator's own or the gateway's. It is then kept for a while.
final class Run: Stream, TimerOwner {
  /// Its room at the limits of its upstream, given back when the orchestrator's request ends.
  private var slot: Slot?
  private var ticket: WaitTicket?
  /// Whose answer may carry the orchestrator's cookies: the one that began it, until answers begin.
  private var beginner: Exchange?

  private enum Timer: UInt8 {
    case hold, linger
  }

  /// The type of events that have none: `message` to an EventSource.
  static let noType: [UInt8] = []

  let route: RunRoute
  /// Who began it; `nil` where nobody showed an identity, and the id alone opens it.
  let principal: Principal?
  /// The client's own name for its request, and what it sent under it.
  let key: IdempotencyKey?
  let payload: SHA256?
  var request: UpstreamRequest?
  var events: UpstreamEvents?
  var hasReceived = false
  /// Whether the table counts it among those that go on.
  var isLive = false
  /// The orchestrator's refusal while its words are collected for the clients that wait.
  var refusal: UpstreamRefusal?
  /// Whether the orchestrator is held back for a slow reader.
  var backpressure: Backpressure
  private var holdTimer: TimerID?
  private var lingerTimer: TimerID?
  /// Other workers with readers.
  var mirrors = Mirrors()
  /// Whether it ends because the process does.
  private var isInterrupted = false

  /// A run that waits for `start`.
  init(
    _ id: StreamID = StreamID(), log: EventLog = EventLog(), on route: RunRoute, of worker: Worker,
    principal: Principal?, key: IdempotencyKey?, payload: SHA256?
  ) {
    self.route = route
    self.principal = principal
    self.key = key
    self.payload = payload
    backpressure = Backpressure(clientBufferBytes: route.rules.clientBufferBytes)
    super.init(id, log: log, rules: route.rules, of: worker)
  }

  /// Sends the orchestrator's request; the answer begins at once, or a moment later for a POST client.
  func start(for exchange: Exchange, _ body: [UInt8], fields: FieldSection, target: [UInt8]) {
    add(Subscriber(exchange, seen: 0, of: self), at: log.end)
    beginner = exchange
    let subject = worker.subject(of: exchange)
    let request = UpstreamRequest(
      method: route.method, target: target, fields: fields, body: body, subject: subject, within: worker.memory,
      for: self)
    self.request = request
    guard worker.slots.table.applies(.upstream) else {
      hold(for: exchange)
      return send(request)
    }
    switch worker.slots.claim(.upstream, for: subject.asking(upstream: route.upstream.name), by: self) {
    case .admitted(let slot):
      self.slot = slot
      hold(for: exchange)
      send(request)
    case .refused(let refusal):
      refuse(refusal)
    case .waiting(let ticket):
      self.ticket = ticket
      hold(for: exchange)
    }
  }

  private func send(_ request: UpstreamRequest) {
    worker.counters.upstreamRequests.add(1)
    route.upstream.send(request)
  }

  /// Begins the answer, or holds it for the orchestrator's status.
  private func hold(for exchange: Exchange) {
    if exchange.method == .get || route.answerAfter == .zero {
      beginAnswers()
    } else {
      holdTimer = worker.loop.setTimer(after: route.answerAfter, for: self, tag: Timer.hold.rawValue)
    }
  }

  /// The orchestrator has not said a status in time, or nobody came back in time.
  func timerFired(_ tag: UInt8) {
    switch Timer(rawValue: tag) {
    case .hold:
      holdTimer = nil
      if let refusal { return finish(.upstreamStatus, status: refusal.head.status) }
      beginAnswers()
    case .linger:
      lingerTimer = nil
      finish(.abandoned)
    case nil:
      break
    }
  }

  /// Whether the terminal event is in the log.
  var isFinished: Bool { stage == .final }

  /// Whether a principal may read and stop it.
  func isOpen(to other: Principal?) -> Bool {
    principal == nil || principal == other
  }

  /// The orchestrator refuses, and its words are on their way: the client waits a little longer for them.
  func holdForRefusal() {
    worker.loop.cancelTimer(&holdTimer)
    holdTimer = worker.loop.setTimer(after: .seconds(2), for: self, tag: Timer.hold.rawValue)
  }

  // MARK: - Readers

  /// Attaches one more reader, behind the last event that it has; zero for none.
  func join(_ exchange: Exchange, seen: UInt64) {
    if stage == .held, exchange.method == .post {
      // It waits with the others: what the orchestrator refuses one, it refuses all.
      return add(Subscriber(exchange, seen: 0, of: self), at: log.end)
    }
    if let refusal { finish(.upstreamStatus, status: refusal.head.status) }
    beginAnswers()
    // What the log may lose now was sent to the mirrors before.
    sendToMirrors()
    log.trim(to: rules.logBounds, at: worker.loop.now.milliseconds)
    switch Replay.decide(seen: seen, oldest: log.oldest, newest: log.newest, isFinished: isFinished) {
    case .follow(let after):
      attach(exchange, at: log.cursor(after: after), seen: after)
    case .gap(let from, let to):
      attach(exchange, at: log.start, seen: to, .lost(.sequences(from...to)))
    case .nothingLeft:
      exchange.record.stream = name
      exchange.respond(Response(ResponseHead(status: 204)))
    case .impossible:
      exchange.respond(Attach.unknownRun(id, route))
    }
  }

  override func add(_ reader: Subscriber, at cursor: Cursor) {
    worker.loop.cancelTimer(&lingerTimer)
    super.add(reader, at: cursor)
    letGo()
  }

  override func hold(_ isOn: Bool) {
    if isOn { request?.hold() } else if !backpressure.isOn { request?.letGo() }
  }

  override func balance(_ reader: Subscriber, isBlocked: Bool) { holdOrLetGo(reader, isBlocked: isBlocked) }

  override var isWaiting: Bool { waitsForReader }

  override func appendPrelude(for reader: Subscriber, to prelude: inout [UInt8]) {
    appendRunPrelude(for: reader, to: &prelude)
  }

  override func appendGap(_ lost: ClosedRange<UInt64>, after lastID: [UInt8]?, to bytes: inout [UInt8]) {
    appendRunGap(lost, to: &bytes)
  }

  /// Begins the answers that were held back.
  func beginAnswers() {
    beginner = nil
    worker.loop.cancelTimer(&holdTimer)
    refusal = nil
    open()
  }

  /// What becomes of a run that nobody watches is the route's choice.
  override func lastReaderLeft() {
    guard !isFinished, mirrors.isEmpty else { return }
    letGo()
    worker.loop.cancelTimer(&holdTimer)
    if refusal != nil { return finish(.abandoned) }
    stage = .open
    switch route.onAbandoned {
    case .cancel: finish(.abandoned)
    case .linger(let time): lingerTimer = worker.loop.setTimer(after: time, for: self, tag: Timer.linger.rawValue)
    case .detach: break
    }
  }

  /// The clients whose answers are held back.
  var waiting: [Exchange] { readers.map(\.exchange) }

  // MARK: - Ends

  /// A limit has no room for the orchestrator's request: whoever was not answered yet hears it as a refusal.
  func refuse(_ refusal: LimitRefusal) {
    let waiting = stage == .held ? self.waiting : []
    for exchange in readers.lazy.map(\.exchange) { exchange.record.limit = refusal.limit.name }
    guard !waiting.isEmpty else { return finish(.limited, limit: refusal.limit.name) }
    request = nil
    dissolve()
    for exchange in waiting {
      exchange.respond(LimitAnswer.response(refusal, route.refusal, to: exchange.method))
    }
  }

  /// Ends the run with the gateway's error event; without effect on one that has ended.
  func finish(_ reason: CloseReason, status: Int? = nil, limit: String? = nil) {
    if isFinished { return }
    beginAnswers()
    failure = reason
    let data = GatewayEvent.error(reason, in: route.terminalField, status: status, limit: limit)
    let type = Self.noType
    append(type: type.span, data: data.span)
    end()
    request?.cancel()
    request = nil
  }

  /// Ends because the process does: readers that come back to the next one find the error event there.
  func interrupt() {
    if isFinished { return }
    isInterrupted = true
    finish(.drained)
    for reader in readers { cut(reader, .drained) }
  }

  /// Ends without an event: what the client gets instead is no run, and nobody may join it.
  func dissolve() {
    close()
    worker.runs.forget(self)
  }

  /// The terminal event is in the log.
  func end() {
    close()
    endMirrors(isCut: isInterrupted)
    worker.runs.finished(self)
    markGrown()
  }

  /// What was held for the orchestrator's answer is given back.
  private func close() {
    letGo()
    stage = .final
    events = nil
    beginner = nil
    worker.loop.cancelTimer(&holdTimer)
    worker.loop.cancelTimer(&lingerTimer)
    if let ticket { worker.slots.abandon(ticket) }
    ticket = nil
    if let slot { worker.slots.release(slot) }
    slot = nil
  }

  /// The orchestrator's cookies, as far as the route lets them pass, for the one client that they may be for.
  func passCookies(of head: ResponseHead) {
    guard stage == .held, let beginner else { return }
    head.fields.appendCookies(route.setCookie, to: &beginner.answerFields)
  }

  override func turnEnded() {
    sendToMirrors()
  }

  override func keepOnlyUnread() {
    sendToMirrors()
    super.keepOnlyUnread()
  }

  override func tidy() {
    // Nothing follows: what its last segment has left is of no use.
    if isFinished { log.compact() }
    super.tidy()
  }
}

extension Run: SlotOwner {
  func slotGranted(_ slot: Slot) {
    ticket = nil
    self.slot = slot
    if let request { send(request) }
  }

  func slotRefused(_ refusal: LimitRefusal) {
    ticket = nil
    refuse(refusal)
  }

  func slotEvicted(by limit: String) {
    finish(.evicted, limit: limit)
  }
}

extension FieldSection {
  /// Appends the `Set-Cookie` fields that a policy lets pass.
  fileprivate func appendCookies(_ policy: SetCookiePolicy, to fields: inout FieldSection) {
    for index in 0..<count where self[index].name == .setCookie {
      if policy.passes(bytes.span.extracting(self[index].valueRange)) { fields.append(self[index], of: self) }
    }
  }
}
