import Load
import Reactor

/// The readers of one feed: all come, then events begin, and those within a window of time count.
///
/// After the window nothing more is sent, and every reader must have got what was.
/// - Owner: its thread.
/// - Ends when: every event has come to everybody, at the latest when the patience is over.
final class Audience: TimerOwner, LoopOwner {
  /// Who comes, where to, and for how long.
  struct Plan: Sendable {
    var address: SocketAddress
    var request: [UInt8]
    var readers: Int
    /// How many of them never read.
    var slow = 0
    var event: FeedEvent
    var orchestrator: Orchestrator
    var pace: Pace
    var warmUp: Duration
    var window: Duration
    /// How long the readers may take to come, and again to get what was sent.
    var patience: Duration
  }

  private enum Step: UInt8 { case open, close, settle, giveUp }
  private enum Phase { case gathering, reading, settling, over }

  /// How many readers may be on their way at a time.
  private static let mostComing = 128
  private static let settlePeriod = Duration.milliseconds(10)

  let plan: Plan
  let loop: Loop
  private let meter: ServerMeter
  private var readers: [FeedReader] = []
  private var phase = Phase.gathering
  private var outcome = Outcome()
  private var tally = Tally()
  private var usage: UsageWindow?
  private var begunAt: UInt64 = 0
  private var coming = 0
  private var delivered: UInt64 = 0
  private var reported: UInt64 = 0
  private var patience: TimerID?

  private init(_ plan: Plan, meter: ServerMeter, on loop: Loop) {
    self.plan = plan
    self.meter = meter
    self.loop = loop
  }

  /// Lets an audience come and waits until it has left.
  ///
  /// - Parameters:
  ///   - plan: who comes, where to, and for how long.
  ///   - meter: reads the server's processor time and memory.
  ///   - signals: what ends the wait early.
  /// - Returns: what became of it.
  /// - Throws: `BenchError`; after an interruption the thread is left to the process's end.
  static func run(_ plan: Plan, meter: ServerMeter, signals: Signals) throws(BenchError) -> Outcome {
    try ClientThread.run(signals: signals) { loop in
      let audience = Audience(plan, meter: meter, on: loop)
      audience.come()
      loop.run()
      loop.owner = nil
      return audience.outcome
    }
  }

  private func come() {
    begunAt = plan.orchestrator.feed.withLock { $0.last }
    loop.owner = self
    patience = loop.setTimer(after: plan.patience, for: self, tag: Step.giveUp.rawValue)
    letCome()
  }

  /// Lets more come, as far as those before them have been answered.
  private func letCome() {
    while coming < Self.mostComing, readers.count < plan.readers {
      let number = readers.count
      // The slow ones are spread over all.
      let isSlow = (number + 1) * plan.slow / plan.readers > number * plan.slow / plan.readers
      let reader = FeedReader(number, of: self, after: begunAt, isSlow: isSlow)
      readers.append(reader)
      coming += 1
      reader.come()
    }
  }

  func turnEnded() {
    switch phase {
    case .gathering:
      letCome()
      if coming == 0 { begin() }
    case .reading: report()
    case .settling, .over: break
    }
  }

  /// Everybody is there.
  private func begin() {
    phase = .reading
    loop.cancelTimer(&patience)
    plan.orchestrator.begin(plan.pace)
    _ = loop.setTimer(after: plan.warmUp, for: self, tag: Step.open.rawValue)
  }

  /// Tells the orchestrator how far the readers are, eight times for each window of events on their way.
  private func report() {
    guard case .saturated(let window) = plan.pace else { return }
    let each = delivered / UInt64(max(1, plan.readers - plan.slow))
    guard each - reported >= max(1, window / 8) else { return }
    reported = each
    plan.orchestrator.progressed(to: each)
  }

  func timerFired(_ tag: UInt8) {
    switch Step(rawValue: tag) {
    case .open: open()
    case .close: close()
    case .settle: settle()
    case .giveUp:
      patience = nil
      giveUp()
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
    phase = .settling
    plan.orchestrator.stop()
    patience = loop.setTimer(after: plan.patience, for: self, tag: Step.giveUp.rawValue)
    _ = loop.setTimer(after: Self.settlePeriod, for: self, tag: Step.settle.rawValue)
  }

  /// Ends as soon as everybody has got everything.
  private func settle() {
    guard phase == .settling else { return }
    let feed = plan.orchestrator.feed.withLock { $0 }
    guard !feed.isRunning, !readers.contains(where: { $0.isFollowing && !$0.isSlow && $0.place < feed.last }) else {
      _ = loop.setTimer(after: Self.settlePeriod, for: self, tag: Step.settle.rawValue)
      return
    }
    outcome.serverBytes = meter.proportionalBytes
    outcome.goodRuns = readers.count { $0.isFollowing && !$0.isSlow }
    outcome.slowClosed = readers.count { $0.isSlow && $0.wasCut }
    end()
  }

  private func giveUp() {
    let last = plan.orchestrator.feed.withLock { $0.last }
    for reader in readers where !reader.isSlow && (phase == .gathering || reader.place < last) {
      guard !(phase == .settling && !reader.isFollowing) else { continue }
      outcome.defects[RunDefect.late(after: Int(reader.place - begunAt)).description, default: 0] += 1
    }
    end()
  }

  private func end() {
    phase = .over
    if let defect = plan.orchestrator.feed.withLock({ $0.defect }) { outcome.defects[defect, default: 0] += 1 }
    loop.cancelTimer(&patience)
    for reader in readers { reader.leave() }
    loop.stop()
  }

  // MARK: - What readers tell

  /// A reader's answer has begun.
  func joined() {
    coming -= 1
  }

  /// An event has come.
  func delivered(_ sent: Instant, at now: Instant) {
    delivered += 1
    tally.events += 1
    tally.latencies.take(from: sent, to: now)
  }

  /// A reader has got something wrong, or nothing more.
  func failed(_ defect: RunDefect, hadJoined: Bool) {
    guard phase != .over else { return }
    if !hadJoined { coming -= 1 }
    outcome.defects[defect.description, default: 0] += 1
  }
}
