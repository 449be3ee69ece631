internal import Glibc
internal import Reactor

extension Plan {
  /// Runs a test to its end, on the process's main thread.
  ///
  /// - Parameter display: where the live display goes, `nil` for none.
  /// - Returns: what was found, also where a signal ended it.
  /// - Throws: `LoadError` where it can't begin: a name without address, too few descriptors or ports, no thread.
  public func run(display: Display?) throws(LoadError) -> Outcome {
    var plan = self
    try Preparation.complete(&plan)
    SignalWatch.ignoreBrokenPipes()
    SignalWatch.hold([SIGINT, SIGTERM])
    defer { SignalWatch.release([SIGINT, SIGTERM]) }
    do throws(SystemError) {
      return try LoadTest(plan, display).run()
    } catch {
      throw .system(error)
    }
  }
}

/// A test under way: its threads, its end, and what is shown meanwhile.
///
/// - Thread: the process's main thread, for signals come there.
/// - Ends when: the duration is over, all requests are done, or SIGINT or SIGTERM comes.
final class LoadTest: TimerOwner, SignalOwner, MailboxOwner {
  private enum Alarm: UInt8 { case over, display }

  private let plan: Plan
  private let loop: Loop
  private let news: Mailbox<CrowdNews>
  private let orders: [Mailbox<Crowd.Order>]
  private let boards: [Locked<Tally>]
  private let counts: Locked<OpenCounts>
  private var progress: Progress
  private let display: Display?
  private let startedAt = Instant.now
  private var inbox: OpenMailbox<CrowdNews>?
  private var threads: [Thread] = []
  private var alarms: [TimerID?] = [nil, nil]
  private var finished = 0
  private var elapsed = Duration.zero
  /// The process's before the test, then that of the test.
  private var processorTime: UInt64 = 0
  private var isOver = false
  private var wasInterrupted = false
  private var failure: SystemError?

  /// Descriptors that a thread needs besides its clients': standard streams, epoll, wake-ups, signals.
  static let ownDescriptors = 32

  init(_ plan: Plan, _ display: Display?) throws(SystemError) {
    self.plan = plan
    self.display = display
    loop = try Loop()
    news = try Mailbox()
    var orders: [Mailbox<Crowd.Order>] = []
    for _ in 0..<plan.threads { orders.append(try Mailbox()) }
    self.orders = orders
    boards = (0..<plan.threads).map { _ in Locked(Tally()) }
    counts = Locked(OpenCounts(plan))
    progress = Progress(plan)
  }

  func run() throws(SystemError) -> Outcome {
    processorTime = ProcessorTime.process
    inbox = news.open(on: loop, for: self)
    let signals = SignalWatch([SIGINT, SIGTERM], on: loop, for: self)
    SignalWatch.release([SIGINT, SIGTERM])
    if let duration = plan.times.duration { set(.over, after: duration) }
    if let display { set(.display, after: display.period) }
    try startThreads()
    loop.run()
    for thread in threads { thread.join() }
    // What comes now waits until everything was told.
    SignalWatch.hold([SIGINT, SIGTERM])
    signals.end()
    inbox?.close()
    for alarm in [Alarm.over, .display] { loop.cancelTimer(&alarms[Int(alarm.rawValue)]) }
    if let failure { throw failure }
    var tally = Tally()
    for board in boards { tally.add(board.withLock { $0 }) }
    return Outcome(
      plan: plan, tally: tally, counts: counts.withLock { $0 }, elapsed: elapsed, wasInterrupted: wasInterrupted,
      processorNanoseconds: processorTime,
      peakResidentBytes: ProcessorTime.peakResidentBytes, cores: ProcessorTime.cores)
  }

  private func startThreads() throws(SystemError) {
    let shared = Crowd.Shared(
      plan: plan, counts: counts, requests: Locked(0), news: news, publishes: display != nil)
    for number in 0..<plan.threads {
      let (mailbox, board) = (orders[number], boards[number])
      let thread = try Thread("load") {
        do throws(SystemError) {
          // Only where one table is too small, for it costs a copy.
          if shared.plan.ownsDescriptors { try ProcessLimits.ownDescriptors() }
          let crowd = Crowd(thread: number, shared, board: board, on: try Loop())
          crowd.run(mailbox)
        } catch {
          shared.news.post(.failed(error))
        }
      }
      threads.append(thread)
    }
  }

  /// Ends the test: every thread closes its clients and leaves.
  private func end() {
    guard !isOver else { return }
    isOver = true
    // Closing many connections takes a while that is not the test's.
    elapsed = .now - startedAt
    processorTime = ProcessorTime.process - processorTime
    for mailbox in orders { mailbox.post(.stop) }
    loop.stop()
  }

  private func set(_ alarm: Alarm, after delay: Duration) {
    alarms[Int(alarm.rawValue)] = loop.setTimer(after: delay, for: self, tag: alarm.rawValue)
  }

  /// The test is over, or the display is due.
  func timerFired(_ tag: UInt8) {
    switch Alarm(rawValue: tag) {
    case .over: end()
    case .display:
      guard let display else { return }
      show(on: display)
      set(.display, after: display.period)
    case nil: break
    }
  }

  /// The operator ends it early.
  func signalReceived(_ number: Int32) {
    wasInterrupted = true
    end()
  }

  /// A thread has nothing to do any more, or can't do it.
  func received(_ messages: [CrowdNews]) {
    for message in messages {
      switch message {
      case .finished: finished += 1
      case .failed(let error):
        failure = error
        end()
      }
    }
    if finished == plan.threads { end() }
  }

  private func show(on display: Display) {
    var tally = Tally()
    for board in boards { tally.add(board.withLock { $0 }) }
    let open = counts.withLock { $0.total.now }
    display.show(progress.line(elapsed: loop.now - startedAt, tally, open: open, width: display.width))
  }
}
