import Reactor

/// So many clients, each of which holds one run open, one after another, and a window of time in which they count.
///
/// They begin spread over the warm-up, so that their runs are in all phases when the window opens. When it closes they
/// bring the run under way to its end and leave.
/// - Owner: its thread.
/// - Ends when: the last client has left, at the latest when the patience is over.
final class Crowd: TimerOwner {
  /// Who comes, where to, and for how long.
  struct Plan: Sendable {
    var address: SocketAddress
    var clients: Int
    var script: Script
    var warmUp: Duration
    var window: Duration
    /// How long the runs under way may last when the window has closed.
    var patience: Duration
  }

  private enum Step: UInt8 { case open, close, giveUp }

  let plan: Plan
  let loop: Loop
  /// What was counted since the window opened.
  var tally = Tally()
  /// Whether clients count and begin new runs.
  private(set) var isClosing = false
  private var outcome = Outcome()
  private let meter: CPUMeter
  private var clients: [ChatClient] = []
  private var openedAt = Instant(nanoseconds: 0)
  private var patience: TimerID?

  private init(_ plan: Plan, meter: CPUMeter, on loop: Loop) {
    self.plan = plan
    self.meter = meter
    self.loop = loop
  }

  /// Lets a crowd come and waits until it has left.
  ///
  /// - Parameters:
  ///   - plan: who comes, where to, and for how long.
  ///   - meter: reads the server's processor time.
  ///   - signals: what ends the wait early.
  /// - Returns: what became of it.
  /// - Throws: `BenchError`; after an interruption the thread is left to the process's end.
  static func run(_ plan: Plan, meter: CPUMeter, signals: Signals) throws(BenchError) -> Outcome {
    let result = Locked<Outcome?>(nil)
    let thread: Thread
    do throws(SystemError) {
      let loop = try Loop()
      thread = try Thread("clients") {
        let crowd = Crowd(plan, meter: meter, on: loop)
        crowd.come()
        loop.run()
        result.change { $0 = crowd.outcome }
      }
    } catch {
      throw .system(error)
    }
    while true {
      if let outcome = result.withLock({ $0 }) {
        thread.join()
        return outcome
      }
      try signals.pause(milliseconds: 5)
    }
  }

  private func come() {
    let start = loop.now
    for number in 0..<plan.clients {
      let client = ChatClient(number, of: self)
      clients.append(client)
      client.come(at: start + plan.warmUp * number / plan.clients)
    }
    _ = loop.setTimer(at: start + plan.warmUp, for: self, tag: Step.open.rawValue)
  }

  func timerFired(_ tag: UInt8) {
    switch Step(rawValue: tag) {
    case .open: open()
    case .close: close()
    case .giveUp:
      patience = nil
      for client in clients { client.giveUp() }
    case nil: break
    }
  }

  private func open() {
    tally = Tally()
    outcome.serverNanoseconds = meter.nanoseconds
    outcome.benchNanoseconds = CPUMeter.ownProcess.nanoseconds
    outcome.machineNanoseconds = CPUMeter.machineNanoseconds
    openedAt = .now
    _ = loop.setTimer(at: openedAt + plan.window, for: self, tag: Step.close.rawValue)
  }

  private func close() {
    outcome.serverNanoseconds = Self.grown(from: outcome.serverNanoseconds, to: meter.nanoseconds)
    outcome.benchNanoseconds = Self.grown(from: outcome.benchNanoseconds, to: CPUMeter.ownProcess.nanoseconds)
    outcome.machineNanoseconds = Self.grown(from: outcome.machineNanoseconds, to: CPUMeter.machineNanoseconds)
    let now = Instant.now
    outcome.seconds = Double(now.nanoseconds - openedAt.nanoseconds) / 1e9
    outcome.tally = tally
    isClosing = true
    patience = loop.setTimer(at: now + plan.patience, for: self, tag: Step.giveUp.rawValue)
    // Those that were between two runs have nothing to bring to an end.
    leaveWhenEmpty()
  }

  /// The time of a server that has ended in the middle is lost; its runs are wrong in any case.
  private static func grown(from before: UInt64, to now: UInt64) -> UInt64 {
    now - min(before, now)
  }

  // MARK: - What clients tell

  /// A run came to a good end.
  func ended() {
    outcome.goodRuns += 1
  }

  /// A run did not.
  func failed(_ defect: RunDefect) {
    outcome.defects[defect.description, default: 0] += 1
  }

  /// A client begins no more runs.
  func left(_ client: ChatClient) {
    clients.removeAll { $0 === client }
    leaveWhenEmpty()
  }

  private func leaveWhenEmpty() {
    guard isClosing, clients.isEmpty else { return }
    loop.cancelTimer(&patience)
    loop.stop()
  }
}
