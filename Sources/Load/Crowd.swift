internal import Bytes
internal import Reactor

/// The clients of one thread: lets them come, counts for them, and ends them.
///
/// A client that holds its stream costs nothing but memory here: no timer, no buffer, no turn.
/// - Owner: its thread.
/// - Thread: its loop's.
/// - Ends when: it is told to stop.
final class Crowd: TimerOwner, LoopOwner, MailboxOwner {
  /// What the test's own thread tells a crowd.
  enum Order: Sendable { case stop }

  /// What all crowds of a test share.
  struct Shared: Sendable {
    let plan: Plan
    let counts: Locked<OpenCounts>
    /// How many requests were begun.
    let requests: Locked<Int>
    let news: Mailbox<CrowdNews>
    /// Whether the tallies are published while the test runs, for the display.
    let publishes: Bool
  }

  private enum Tick: UInt8 { case ramp, quarterSecond }

  let plan: Plan
  let readingPlan: ReadingPlan
  let loop: Loop
  private let shared: Shared
  private let board: Locked<Tally>
  private let thread: Int
  private let pacer: Pacer
  private let startedAt = Instant.now
  private var orders: OpenMailbox<Order>?
  private var clients: [Client] = []
  private var present = 0
  private var ramp: TimerID?
  private var tick: TimerID?
  private var changes: [(Assignment, OpenCounts.Change)] = []
  private var stalled: [Client] = []
  private var secondStart = (wall: Instant.now, processor: ProcessorTime.thread)
  private var ticks = 0
  private var isStopping = false

  /// What this thread has counted.
  var tally = Tally()
  /// The first arrivals of what several clients get.
  var fanOut = FanOut()
  /// Where requests are written, one after the other.
  var output: [UInt8] = []
  var scratch: [UInt8] = []
  var random: SplitMix

  /// A crowd that has not begun.
  ///
  /// - Parameters:
  ///   - thread: from 0; the crowd has the clients whose numbers leave this remainder.
  ///   - shared: what all crowds share.
  ///   - board: where the tally is published.
  ///   - loop: its thread's.
  init(thread: Int, _ shared: Shared, board: Locked<Tally>, on loop: Loop) {
    self.thread = thread
    self.shared = shared
    plan = shared.plan
    readingPlan = ReadingPlan(
      interest: shared.plan.interest, form: shared.plan.form, sharesEvents: shared.plan.mode == .subscribe)
    self.board = board
    self.loop = loop
    let share = (shared.plan.connections - thread + shared.plan.threads - 1) / shared.plan.threads
    let rate = shared.plan.pacer.perSecond.map { $0 / Double(shared.plan.threads) }
    pacer = Pacer(total: share, perSecond: rate)
    random = SplitMix(seed: shared.plan.seed &+ UInt64(thread))
    clients.reserveCapacity(share)
  }

  /// Lets clients come until told to stop.
  func run(_ mailbox: Mailbox<Order>) {
    orders = mailbox.open(on: loop, for: self)
    loop.owner = self
    tick = loop.setTimer(after: .milliseconds(250), for: self, tag: Tick.quarterSecond.rawValue)
    letCome()
    loop.run()
    loop.owner = nil
  }

  func timerFired(_ tag: UInt8) {
    guard !isStopping else { return }
    switch Tick(rawValue: tag) {
    case .ramp:
      ramp = nil
      letCome()
    case .quarterSecond:
      tick = loop.setTimer(after: .milliseconds(250), for: self, tag: Tick.quarterSecond.rawValue)
      ticks += 1
      if shared.publishes { publish() }
      guard ticks % 4 == 0 else { return }
      measureSecond()
      checkStalled()
    case nil: break
    }
  }

  func turnEnded() {
    if !changes.isEmpty {
      shared.counts.withLock { $0.apply(changes) }
      changes.removeAll(keepingCapacity: true)
    }
    if !isStopping { letCome() }
  }

  func received(_ messages: [Order]) {
    guard !isStopping else { return }
    isStopping = true
    for client in clients { client.stop() }
    measureSecond()
    publish()
    orders?.close()
    loop.cancelTimer(&ramp)
    loop.cancelTimer(&tick)
    loop.stop()
    // Each of them holds the crowd.
    clients = []
    stalled = []
  }

  /// Starts as many clients as are due, as far as those before them have been answered.
  private func letCome() {
    guard clients.count < pacer.total else { return }
    let due = pacer.due(at: loop.now - startedAt)
    let room = max(1, plan.inFlight / plan.threads)
    while clients.count < due, tally.waiting < room {
      let client = Client(clients.count * plan.threads + thread, of: self)
      clients.append(client)
      present += 1
      tally.started += 1
      tally.waiting += 1
      client.come()
    }
    guard ramp == nil, clients.count >= due, let moment = pacer.moment(after: clients.count) else { return }
    ramp = loop.setTimer(at: startedAt + moment, for: self, tag: Tick.ramp.rawValue)
  }

  private func publish() {
    let tally = tally
    board.withLock { $0 = tally }
  }

  private func measureSecond() {
    let now = (wall: Instant.now, processor: ProcessorTime.thread)
    let wall = (now.wall - secondStart.wall).inSeconds
    // Too short a time says nothing.
    guard wall >= 0.2 else { return }
    tally.busiestSecond = max(tally.busiestSecond, Double(now.processor - secondStart.processor) / 1e9 / wall)
    secondStart = now
  }

  private func checkStalled() {
    stalled.removeAll { $0.leaveIfCut() }
  }
}

// What clients tell.
extension Crowd {
  /// The number of the next request, from 1; `nil` where all have been made.
  func takeRequest() -> Int? {
    shared.requests.withLock { count in
      if let most = plan.requests, count >= most { return nil }
      count += 1
      return count
    }
  }

  /// A client has its first answer, or will never have it.
  func wasAnswered() {
    tally.waiting -= 1
  }

  /// Something happened to a client's stream.
  func note(_ change: OpenCounts.Change, _ place: Assignment) {
    changes.append((place, change))
  }

  /// A client has stopped reading for good.
  func hasStalled(_ client: Client) {
    stalled.append(client)
  }

  /// A client makes no more requests.
  func left() {
    present -= 1
    if present == 0, clients.count == pacer.total, !isStopping { shared.news.post(.finished) }
  }
}

/// What a crowd tells the test's own thread.
enum CrowdNews: Sendable {
  /// All clients have come and left.
  case finished
  /// The thread can't do its work.
  case failed(SystemError)
}

/// A crowd belongs to its loop's thread.
@available(*, unavailable)
extension Crowd: Sendable {}
