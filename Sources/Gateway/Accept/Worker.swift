internal import Bytes
internal import Logging
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// What reaches a worker from other threads.
enum WorkerMessage: Sendable {
  /// Settings that were checked whole; they hold for what begins from now on.
  case reload(Settings)
  /// Accept no more; end what is left when the time has passed.
  case drain(Duration)
  /// The resolver's answer for the endpoint that holds the ticket.
  case resolved(ticket: Int, Resolver.Answer)
  /// A connection whose request is for a run that lives here.
  case adopt(MovedConnection)
  /// What another worker tells of a feed.
  case feed(FeedKey, FeedMessage)
}

/// One loop and all that lives on it: listeners, connections, runs, upstream connections.
///
/// - Thread: its own, from `run` on; everything it owns is touched there and nowhere else.
/// - Ends when: it was told to drain, and no connection is left.
final class Worker: LoopOwner, MailboxOwner, ListenerOwner, RequestReceiver {
  let loop: Loop
  /// Which of the workers it is, from zero.
  let place: Int
  /// All of them.
  let peers: Peers
  /// Where events are encoded before they go to a log; used within one call at a time.
  var scratch: [UInt8] = []
  private let mailbox: Mailbox<WorkerMessage>
  private var openMailbox: OpenMailbox<WorkerMessage>?
  private let sockets: [ListeningSocket]
  private let assets: [Asset]
  private let resolver: Resolver
  private let logger: Logger
  private let accessLog: AccessLog
  private let upstreamRegistry: UpstreamRegistry
  private var table: RouteTable
  private var listeners: [Listener] = []
  private var connections: [HTTP1Connection?] = []
  private var freePlaces: [Int] = []
  private var connectionCount = 0
  /// Every run that can be joined.
  let runs: RunTable
  /// Every feed that somebody subscribes to, or did a moment ago.
  private(set) lazy var feeds = FeedTable(of: self)
  /// What runs and feeds may hold together.
  let budget: Budget
  private var marked: [Stream] = []
  private var draining: Drain?
  /// `state_directory`.
  private var stateDirectory: String?
  /// What an earlier process has kept, until it is taken up.
  private var records: [RunRecord]
  private var dateSecond = 0
  private var date = ""

  /// A worker that will serve these sockets.
  init(
    _ settings: Settings, at place: Int, among peers: Peers, sockets: [ListeningSocket], assets: [Asset],
    mailbox: Mailbox<WorkerMessage>, resolver: Resolver, records: [RunRecord], logger: Logger
  ) throws(SystemError) {
    loop = try Loop()
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
    upstreamRegistry = UpstreamRegistry { ticket, answer in mailbox.post(.resolved(ticket: ticket, answer)) }
    table = RouteTable(settings, assets: assets, on: loop, resolver: resolver, registry: upstreamRegistry)
    budget = Budget(on: loop, limitBytes: settings.streams.budgetBytes / peers.count)
    runs = RunTable(on: loop, within: budget, keepFinished: settings.streams.keepFinished)
  }

  /// Serves until drained.
  func run() {
    loop.owner = self
    openMailbox = mailbox.open(on: loop, for: self)
    restore()
    listeners = sockets.map { Listener($0, on: loop, for: self) }
    loop.run()
    openMailbox?.close()
    loop.owner = nil
    // What nobody watches any more ends here, and with it its orchestrator request.
    runs.finishAll()
    feeds.close()
    save()
    runs.close()
    upstreamRegistry.closeAll()
  }

  // MARK: - Messages

  func received(_ messages: [WorkerMessage]) {
    for message in messages {
      switch message {
      case .reload(let settings):
        table.drain()
        table = RouteTable(settings, assets: assets, on: loop, resolver: resolver, registry: upstreamRegistry)
        budget.limitBytes = settings.streams.budgetBytes / peers.count
        runs.keepFinished = settings.streams.keepFinished
        stateDirectory = settings.stateDirectory.path
      case .drain(let time):
        drain(within: time)
      case .resolved(let ticket, let answer):
        upstreamRegistry.deliver(answer, for: ticket)
      case .adopt(let moved):
        take(moved.descriptor, from: moved.peer).resume(moved)
      case .feed(let key, let message):
        feeds.received(message, of: key)
      }
    }
  }

  // MARK: - Accepting

  func accepted(_ descriptor: Int32, from peer: SocketAddress) {
    _ = take(descriptor, from: peer)
  }

  private func take(_ descriptor: Int32, from peer: SocketAddress) -> HTTP1Connection {
    let connection = HTTP1Connection(
      takingOver: descriptor, from: peer, on: loop, limits: table.limits, for: self)
    let place = freePlaces.popLast() ?? connections.count
    if place == connections.count { connections.append(connection) } else { connections[place] = connection }
    connection.place = place
    connectionCount += 1
    if draining != nil { connection.isDraining = true }
    return connection
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

  func disconnected(_ connection: HTTP1Connection) {
    guard connections.indices.contains(connection.place), connections[connection.place] === connection else { return }
    connections[connection.place] = nil
    freePlaces.append(connection.place)
    connectionCount -= 1
    stopIfDrained()
  }

  // MARK: - Requests

  func headReceived(_ exchange: Exchange) {
    var fields = FieldSection()
    fields.append("Date", httpDate)
    let verdict = Gate.judge(exchange.head, table.router, &fields)
    exchange.answerFields = fields
    switch verdict {
    case .answered(let response):
      exchange.respond(response)
    case .admitted(let route):
      exchange.record.route = route.name
      exchange.route = route
    }
  }

  func received(_ exchange: Exchange) {
    guard let route = exchange.route else { return }
    switch route.action {
    case .run(let run):
      if exchange.head.method == .head { return exchange.respond(Response(Attach.streamHead())) }
      if moves(exchange, to: Attach.home(of: exchange, on: run, among: peers)) { return }
      Attach.serve(exchange, on: run, of: self)
    case .feed(let feed):
      Attach.serve(exchange, on: feed, named: route.key, of: self)
    case .runs(let prefix):
      let name = Array(exchange.head.path[prefix...])
      if moves(exchange, to: Attach.home(run: name.span, among: peers)) { return }
      Attach.serve(exchange, run: name.span, in: table, of: self)
    case .asset(let asset):
      exchange.respond(asset.response)
    }
  }

  /// Moves a connection to the worker on which the run of its request lives; false where that is this one.
  private func moves(_ exchange: Exchange, to home: Int?) -> Bool {
    guard let home, home != place, let moved = (exchange.transport as? HTTP1Connection)?.move() else { return false }
    peers.post(.adopt(moved), to: home)
    return true
  }

  /// The feed route of a key, as another worker names it.
  func feedRoute(_ key: String) -> FeedRoute? { table.feedRoute(key) }

  func clientWritable(_ exchange: Exchange) {
    (exchange.owner as? Subscriber)?.clientWritable()
  }

  func finished(_ exchange: Exchange, _ reason: CloseReason) {
    accessLog.finished(exchange, reason, at: loop.now)
  }

  func rejected(peer: SocketAddress, status: Int, detail: String, _ reason: CloseReason) {
    accessLog.rejected(peer, status: status, detail: detail, reason)
  }

  private var httpDate: String {
    let second = WallClock.seconds
    if second != dateSecond {
      dateSecond = second
      date = WallClock.httpDate(second)
    }
    return date
  }

  // MARK: - Streams

  /// A stream has something to write: its readers are pumped once the turn's events were all delivered.
  func mark(_ stream: Stream) {
    guard !stream.isMarked else { return }
    stream.isMarked = true
    marked.append(stream)
  }

  /// Writes what this turn appended, one write a reader.
  func turnEnded() {
    // Pumping may end exchanges and begin pipelined ones, which are pumped in the same turn.
    while !marked.isEmpty {
      let streams = marked
      marked.removeAll(keepingCapacity: true)
      for stream in streams { stream.pump() }
    }
    budget.makeRoom(runs, feeds)
    stopIfDrained()
  }

  /// An upstream failed a stream.
  func report(_ failure: UpstreamFailure, of stream: StreamName, upstream: String) {
    let (kind, id) =
      switch stream {
      case .run(let id): ("run", id)
      case .feed(let id): ("feed", id)
      }
    logger.warning(
      "upstream_failed",
      metadata: [
        "upstream": "\(upstream)", kind: "\(id)", "reason": "\(failure.reason.rawValue)",
        "detail": "\(failure.detail)",
      ])
  }

  // MARK: - Draining

  private func drain(within time: Duration) {
    if let draining {
      draining.hurry(within: time)
    } else {
      for listener in listeners { listener.close() }
      listeners = []
      draining = Drain(of: self, within: time)
      for connection in connections { connection?.drain() }
    }
    stopIfDrained()
  }

  /// The drain's time has passed: what has not ended does now.
  ///
  /// Where runs are kept for the next process, readers are to come back and find the error event there; where they are
  /// not, this is the last that anybody can tell them.
  func endRuns() {
    for run in runs.all {
      if stateDirectory == nil { run.finish(.drained) } else { run.interrupt() }
    }
  }

  /// What is left is cut.
  func closeConnections() {
    for connection in connections { connection?.close(.drained) }
  }

  private func stopIfDrained() {
    guard draining != nil, connectionCount == 0 else { return }
    // A run that is kept may be read later, by whoever comes back: it has its time.
    if stateDirectory != nil, runs.all.contains(where: { !$0.isFinished }) { return }
    draining?.end()
    loop.stop()
  }

  // MARK: - From process to process

  /// Takes up what an earlier process has kept.
  private func restore() {
    var restored = 0
    // The newest comes first in the file, and is to be forgotten last.
    for record in records.reversed() {
      guard let route = table.runRoute(record.route) else { continue }
      let run = Run(record, on: route, of: self)
      runs.add(run)
      runs.finished(run)
      restored += 1
    }
    guard !records.isEmpty else { return }
    logger.info("runs_restored", metadata: ["runs": "\(restored)", "without_route": "\(records.count - restored)"])
    records = []
  }

  /// Keeps every run for the next process; all of them have ended.
  private func save() {
    guard let stateDirectory else { return }
    do throws(SystemError) {
      let (count, all) = (try StateFile(in: stateDirectory, of: place).write(runs.records), runs.finishedCount)
      if count < all {
        logger.error("runs_not_saved", metadata: ["runs": "\(all - count)", "error": "no room in state_directory"])
      }
      logger.info("runs_saved", metadata: ["runs": "\(count)"])
    } catch {
      logger.error(
        "runs_not_saved", metadata: ["runs": "\(runs.finishedCount)", "error": "state_directory: \(error)"])
    }
  }
}
