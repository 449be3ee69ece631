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
    /// Gives a client what it comes for.
    var makeErrand: @Sendable () -> any Errand
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
  private let meter: ServerMeter
  private var clients: [RunClient] = []
  private var usage: UsageWindow?
  private var patience: TimerID?

  private init(_ plan: Plan, meter: ServerMeter, on loop: Loop) {
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
  static func run(_ plan: Plan, meter: ServerMeter, signals: Signals) throws(BenchError) -> Outcome {
    try ClientThread.run(signals: signals) { loop in
      let crowd = Crowd(plan, meter: meter, on: loop)
      crowd.come()
      loop.run()
      return crowd.outcome
    }
  }

  private func come() {
    let start = loop.now
    for number in 0..<plan.clients {
      let client = RunClient(number, of: self, for: plan.makeErrand())
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
    usage = UsageWindow(meter.processor)
    _ = loop.setTimer(at: .now + plan.window, for: self, tag: Step.close.rawValue)
  }

  private func close() {
    if let usage { outcome.usage = usage.close() }
    outcome.tally = tally
    outcome.serverBytes = meter.proportionalBytes
    isClosing = true
    patience = loop.setTimer(at: .now + plan.patience, for: self, tag: Step.giveUp.rawValue)
    // Those that were between two runs have nothing to bring to an end.
    leaveWhenEmpty()
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
  func left(_ client: RunClient) {
    clients.removeAll { $0 === client }
    leaveWhenEmpty()
  }

  private func leaveWhenEmpty() {
    guard isClosing, clients.isEmpty else { return }
    loop.cancelTimer(&patience)
    loop.stop()
  }
}
