internal import Admission
internal import Bytes
internal import Logging
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// One loop and all that lives on it: listeners, connections, runs, upstream connections.
///
/// - Thread: its own, from `run` on; everything it owns is touched there and nowhere else.
/// - Ends when: it was told to drain, and no connection is left.
final class Worker: LoopOwner, MailboxOwner, ListenerOwner {
  let loop: Loop
  /// Which of the workers it is, from zero.
  let place: Int
  /// All of them.
  let peers: Peers
  /// Where events are encoded before they go to a log; used within one call at a time.
  var scratch: [UInt8] = []
  /// What free readers are written; used within one pump at a time.
  let frame = Frame()
  private let mailbox: Mailbox<WorkerMessage>
  private var openMailbox: OpenMailbox<WorkerMessage>?
  private let sockets: [ListeningSocket]
  private let assets: [Asset]
  private let resolver: Resolver
  let logger: Logger
  let accessLog: AccessLog
  private let upstreamRegistry: UpstreamRegistry
  private(set) var table: RouteTable
  /// Who holds how many of what, shared by all workers.
  let slots: Slots
  let shared: Shared
  private let quota: ConnectionQuota
  /// Whether there was no room for one more, which is told once.
  private var isFull = false
  let tickets: TicketTable
  /// What holds at each listener.
  private var doors: Doors
  private lazy var adminDesk = AdminDesk(of: self)
  private lazy var redirectDesk = RedirectDesk(of: self)
  private let allCounters: [Counters]
  let counters: Counters
  /// Who may say for whom it asks.
  private(set) var proxies: ProxySettings
  var listeners: [Listener] = []
  var connections: [(any ClientConnection)?] = []
  private var freePlaces: [Int] = []
  var connectionCount = 0
  /// Every run that can be joined.
  let runs: RunTable
  /// Every feed that somebody subscribes to, or did a moment ago.
  private(set) lazy var feeds = FeedTable(of: self)
  /// Every run of another worker that is read here.
  private(set) lazy var mirrors = MirrorTable(of: self)
  /// Every mux that lives here.
  private(set) lazy var muxes = MuxTable(of: self)
  /// What runs, feeds and muxes may hold together.
  let budget: Budget
  /// What it holds of all that the workers may hold.
  let memory: MemoryAccount
  private var marked: [Stream] = []
  /// Connections that write once every stream was pumped.
  private var corked: [HTTP2Connection] = []
  var draining: Drain?
  /// `state_directory`.
  var stateDirectory: String?
  /// What an earlier process has kept, until it is taken up.
  var records: [RunRecord]
  private var dateSecond = 0
  private var date = ""

  /// The moment for a `Date` field (RFC 9110 §6.6.1).
  var httpDate: String {
    let second = WallClock.seconds
    if second != dateSecond {
      dateSecond = second
      date = WallClock.httpDate(second)
    }
    return date
  }

  /// A worker that will serve these sockets.
  init(
    _ settings: Settings, at place: Int, among peers: Peers, sockets: [ListeningSocket], doors: Doors,
    assets: [Asset],
    mailbox: Mailbox<WorkerMessage>, shared: Shared, records: [RunRecord], logger: Logger
  ) throws(SystemError) {
    loop = try Loop()
    let resolver = shared.resolver
    self.shared = shared
    quota = shared.quota
    tickets = shared.tickets
    allCounters = shared.counters
    counters = shared.counters[place]
    proxies = settings.proxies
    self.doors = doors
    slots = Slots(shared.slots, on: loop, at: place, among: peers)
    self.place = place
    self.peers = peers
    self.records = records
    stateDirectory = settings.stateDirectory.path
    self.sockets = sockets
    self.assets = assets
    self.mailbox = mailbox
    self.resolver = resolver
    self.logger = logger
    accessLog = AccessLog(logger)
    memory = MemoryAccount(within: shared.memory, counters)
    upstreamRegistry = UpstreamRegistry(memory, counters) { ticket, answer in
      mailbox.post(.resolved(ticket: ticket, answer))
    }
    table = RouteTable(
      settings, assets: assets, on: loop, resolver: resolver, registry: upstreamRegistry, slots: slots,
      logger: place == 0 ? logger : nil)
    budget = Budget(on: loop, counters, memory, limitBytes: settings.streams.budgetBytes / peers.count)
    runs = RunTable(on: loop, within: budget, counters, keepFinished: settings.streams.keepFinished)
  }

  /// Serves until drained.
  func run() {
    loop.owner = self
    openMailbox = mailbox.open(on: loop, for: self)
    restore()
    listeners = sockets.map { Listener($0, on: loop, for: self) }
    loop.run()
    draining?.end()
    openMailbox?.close()
    loop.owner = nil
    // What nobody watches any more ends here, and with it its orchestrator request.
    runs.finishAll()
    feeds.close()
    muxes.close()
    save()
    runs.close()
    upstreamRegistry.closeAll()
  }

  // MARK: - Messages

  func received(_ messages: [WorkerMessage]) {
    for message in messages {
      switch message {
      case .reload(let settings, let doors):
        self.doors = doors
        table.drain()
        defer { feeds.reload(table) }
        proxies = settings.proxies
        for listener in listeners { listener.change(SocketOptions(settings.clients)) }
        table = RouteTable(
          settings, assets: assets, on: loop, resolver: resolver, registry: upstreamRegistry, slots: slots,
          logger: place == 0 ? logger : nil)
        budget.limitBytes = settings.streams.budgetBytes / peers.count
        runs.keepFinished = settings.streams.keepFinished
        stateDirectory = settings.stateDirectory.path
      case .drain(let time):
        drain(within: time)
      case .resolved(let ticket, let answer):
        upstreamRegistry.deliver(answer, for: ticket)
      case .adopt(let moved):
        take(moved.descriptor, from: moved.peer, for: self).resume(moved)
      case .feed(let key, let message):
        feeds.received(message, of: key)
      case .run(let message):
        mirrors.received(message)
      case .slots(let notices):
        slots.received(notices)
      case .makeRoom:
        memory.budget.heard()
      case .stop:
        // One that was moved here meanwhile is still served.
        if isDrained { loop.stop() }
      case .accept:
        isFull = false
        for listener in listeners { listener.resume() }
      }
    }
  }

  // MARK: - Accepting

  func mayAccept() -> Bool {
    guard memory.budget.mayAccept() else {
      if memory.isNews() { tellShortage() }
      return false
    }
    if quota.take() { return true }
    if !isFull {
      isFull = true
      logger.notice("connections_full", metadata: ["connections": "\(connectionCount)"])
    }
    return false
  }

  func acceptedNone() { giveBackPlace() }

  private func giveBackPlace() {
    guard quota.giveBack() else { return }
    for place in 0..<peers.count { peers.post(.accept, to: place) }
  }

  func accepted(_ descriptor: Int32, from peer: SocketAddress, on address: SocketAddress) {
    let door = doors[address]
    let isBehindProxy = door?.settings.proxyProtocol ?? false
    let receiver = receiver(at: door)
    let connection = take(descriptor, from: peer, expectsProxyHeader: isBehindProxy, for: receiver)
    if door?.settings.http2 == true, receiver === self { connection.http2 = self }
    guard isBehindProxy, !proxies.trusted.contains(peer.clientPeer) else {
      if let door { connection.enter(by: door) }
      return
    }
    rejected(
      peer: peer, status: 0, detail: "a PROXY header is believed only from trusted_proxies", .refused)
    connection.close(.refused)
  }

  /// Who serves those that come in by a door.
  private func receiver(at door: Door?) -> any RequestReceiver {
    guard let settings = door?.settings else { return self }
    if settings.isAdmin { return adminDesk }
    return settings.redirect == nil ? self : redirectDesk
  }

  private func take(
    _ descriptor: Int32, from peer: SocketAddress, expectsProxyHeader: Bool = false, for receiver: any RequestReceiver
  ) -> HTTP1Connection {
    let connection = HTTP1Connection(
      takingOver: descriptor, from: peer, on: loop, limits: table.limits, expectsProxyHeader: expectsProxyHeader,
      for: receiver)
    let place = freePlaces.popLast() ?? connections.count
    if place == connections.count { connections.append(connection) } else { connections[place] = connection }
    connection.place = place
    connectionCount += 1
    counters.connections.set(connectionCount)
    memory.add(MemoryCost.connection, to: .connections)
    if draining != nil {
      connection.isDraining = true
      stopIfDrained()
    }
    return connection
  }

  func handshakeEnded(_ connection: HTTP1Connection, _ outcome: HandshakeOutcome, detail: String) {
    counters.handshakes(outcome).add(1)
    guard !detail.isEmpty, logger.logLevel <= .debug else { return }
    logger.debug(
      "handshake",
      metadata: ["result": "\(outcome.rawValue)", "detail": "\(detail)", "client": "\(connection.peer.host)"])
  }

  func acceptPaused(_ error: SystemError, on address: SocketAddress) {
    logger.error(
      "accept_paused",
      metadata: [
        "address": "\(address)", "error": "\(error.words)", "connections": "\(connectionCount)",
        "retry": "every 100 ms to 1.6 s",
      ])
  }

  func acceptResumed(on address: SocketAddress) {
    logger.notice("accept_resumed", metadata: ["address": "\(address)", "connections": "\(connectionCount)"])
  }

  func disconnected(_ connection: HTTP1Connection) { left(connection) }

  /// A connection is gone from here.
  private func left(_ connection: any ClientConnection) {
    guard connections.indices.contains(connection.place), connections[connection.place] === connection else { return }
    connections[connection.place] = nil
    freePlaces.append(connection.place)
    connectionCount -= 1
    counters.connections.set(connectionCount)
    memory.add(-MemoryCost.connection, to: .connections)
    if let slot = connection.slot {
      connection.slot = nil
      slots.release(slot)
    }
    // One that was moved is still the same client.
    if !connection.isMoved { giveBackPlace() }
    stopIfDrained()
  }

  // MARK: - Streams

  /// A stream has something to write: its readers are pumped once the turn's events were all delivered.
  func mark(_ stream: Stream) {
    guard !stream.isMarked else { return }
    stream.isMarked = true
    marked.append(stream)
  }

  /// How many writes streams of many readers share in a turn: about a millisecond's worth, for others wait meanwhile.
  private static let turnWrites = 256

  /// Writes what this turn appended, one write a reader.
  func turnEnded() {
    var writes = Self.turnWrites
    var unfinished: [Stream] = []
    // Pumping may end exchanges and begin pipelined ones, which are pumped in the same turn.
    while !marked.isEmpty || !corked.isEmpty {
      let streams = marked
      marked.removeAll(keepingCapacity: true)
      for stream in streams where !stream.pump(atMost: &writes) { unfinished.append(stream) }
      let connections = corked
      corked.removeAll(keepingCapacity: true)
      for connection in connections { connection.turnEnded() }
    }
    for stream in unfinished { mark(stream) }
    if !unfinished.isEmpty { loop.hurry() }
    budget.makeRoom(runs, feeds, mirrors, muxes)
    if memory.budget.mayTrim() { ProcessLimits.trimMemory() }
    if memory.budget.mayResume() {
      for place in 0..<peers.count { peers.post(.accept, to: place) }
    }
    if draining != nil { stopIfDrained() }
  }

  /// The figures of all workers.
  var metrics: Metrics { Metrics(allCounters, slots.table.figures(), memory.budget) }

  /// Memory is short, which is told once.
  func tellShortage() {
    logger.warning(
      "memory_short",
      metadata: ["held": "\(memory.budget.heldBytes)", "memory.budget": "\(memory.budget.bytes)"])
  }

  /// An upstream failed a stream.
  func report(_ failure: UpstreamFailure, of stream: StreamName, upstream: String) {
    let (kind, id) =
      switch stream {
      case .run(let id): ("run", id)
      case .feed(let id): ("feed", id)
      case .mux(let id): ("mux", id)
      }
    logger.warning(
      "upstream_failed",
      metadata: [
        "upstream": "\(upstream)", kind: "\(id)", "reason": "\(failure.reason.rawValue)",
        "detail": "\(failure.detail)",
      ])
  }
}

extension Worker: HTTP2Receiver {
  func goesOn(_ connection: HTTP1Connection, as successor: HTTP2Connection) {
    successor.place = connection.place
    connections[connection.place] = successor
    if draining != nil { successor.drain() }
  }

  func writesAtTurnEnd(_ connection: HTTP2Connection) {
    corked.append(connection)
  }

  func exceeded(_ bound: HTTP2Bound, by connection: HTTP2Connection) {
    counters.exceeded(bound)
    rejected(
      peer: connection.peer, status: 0, detail: "more than clients.http2.\(bound.rawValue) allows", .flood)
  }

  func disconnected(_ connection: HTTP2Connection) { left(connection) }
}
