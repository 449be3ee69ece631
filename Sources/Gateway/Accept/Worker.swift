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
}

/// One loop and all that lives on it: listeners, connections, runs, upstream connections.
///
/// - Thread: its own, from `run` on; everything it owns is touched there and nowhere else.
/// - Ends when: it was told to drain, and no connection is left.
final class Worker: LoopOwner, MailboxOwner, ListenerOwner, RequestReceiver, TimerOwner {
  let loop: Loop
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
  private var dirtyRuns: [Run] = []
  private var drainTimer: TimerID?
  private var isDraining = false
  private var dateSecond = 0
  private var date = ""

  /// A worker that will serve these sockets.
  init(
    _ settings: Settings, sockets: [ListeningSocket], assets: [Asset], mailbox: Mailbox<WorkerMessage>,
    resolver: Resolver, logger: Logger
  ) throws(SystemError) {
    loop = try Loop()
    self.sockets = sockets
    self.assets = assets
    self.mailbox = mailbox
    self.resolver = resolver
    self.logger = logger
    accessLog = AccessLog(logger)
    upstreamRegistry = UpstreamRegistry { ticket, answer in mailbox.post(.resolved(ticket: ticket, answer)) }
    table = RouteTable(settings, assets: assets, on: loop, resolver: resolver, registry: upstreamRegistry)
    runs = RunTable(
      on: loop, budgetBytes: settings.streams.budgetBytes, keepFinished: settings.streams.keepFinished)
  }

  /// Serves until drained.
  func run() {
    loop.owner = self
    openMailbox = mailbox.open(on: loop, for: self)
    listeners = sockets.map { Listener($0, on: loop, for: self) }
    loop.run()
    openMailbox?.close()
    loop.owner = nil
    // What nobody watches any more ends here, and with it its orchestrator request.
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
        runs.budgetBytes = settings.streams.budgetBytes
        runs.keepFinished = settings.streams.keepFinished
      case .drain(let time):
        drain(within: time)
      case .resolved(let ticket, let answer):
        upstreamRegistry.deliver(answer, for: ticket)
      }
    }
  }

  // MARK: - Accepting

  func accepted(_ descriptor: Int32, from peer: SocketAddress) {
    let connection = HTTP1Connection(
      takingOver: descriptor, from: peer, on: loop, limits: table.limits, for: self)
    let place = freePlaces.popLast() ?? connections.count
    if place == connections.count { connections.append(connection) } else { connections[place] = connection }
    connection.place = place
    connectionCount += 1
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
      Attach.serve(exchange, on: run, named: route.name, of: self)
    case .runs(let prefix):
      let name = Array(exchange.head.path[prefix...])
      Attach.serve(exchange, run: name.span, in: table, of: self)
    case .asset(let asset):
      exchange.respond(asset.response)
    }
  }

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

  // MARK: - Runs

  /// A run has something to write: its readers are pumped once the turn's events were all delivered.
  func mark(_ run: Run) {
    guard !run.isDirty else { return }
    run.isDirty = true
    dirtyRuns.append(run)
  }

  /// Writes what this turn appended, one write a reader.
  func turnEnded() {
    // Pumping may end exchanges and begin pipelined ones, which are pumped in the same turn.
    while !dirtyRuns.isEmpty {
      let runs = dirtyRuns
      dirtyRuns.removeAll(keepingCapacity: true)
      for run in runs { run.pump() }
    }
    runs.makeRoom()
  }

  /// An upstream failed a run.
  func report(_ failure: UpstreamFailure, of run: Run, upstream: String) {
    logger.warning(
      "upstream_failed",
      metadata: [
        "upstream": "\(upstream)", "run": "\(run.id)", "reason": "\(failure.reason.rawValue)",
        "detail": "\(failure.detail)",
      ])
  }

  // MARK: - Draining

  private func drain(within time: Duration) {
    if !isDraining {
      isDraining = true
      for listener in listeners { listener.close() }
      listeners = []
      for connection in connections { connection?.drain() }
    }
    loop.cancelTimer(&drainTimer)
    drainTimer = loop.setTimer(after: time, for: self, tag: DrainStep.deadline.rawValue)
    stopIfDrained()
  }

  private enum DrainStep: UInt8 {
    case deadline, grace
  }

  /// The drain's time has passed: runs end with an error event, then what is left is cut.
  func timerFired(_ tag: UInt8) {
    drainTimer = nil
    switch DrainStep(rawValue: tag) {
    case .deadline:
      for run in runs.all { run.finish(.drained) }
      drainTimer = loop.setTimer(after: .seconds(1), for: self, tag: DrainStep.grace.rawValue)
    case .grace:
      for connection in connections { connection?.close(.drained) }
    case nil:
      break
    }
  }

  private func stopIfDrained() {
    guard isDraining, connectionCount == 0 else { return }
    loop.cancelTimer(&drainTimer)
    loop.stop()
  }
}
