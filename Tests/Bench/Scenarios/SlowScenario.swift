import Reactor

/// Slow readers: a tenth of those who read a busy feed of large events never do, and the others must not feel it.
///
/// Beside it stands the same without them.
struct SlowScenario: Scenario {
  private static let eventBytes = 16_000
  private static let eventsPerSecond = 64
  var clients: Int
  private let hasSlow: Bool

  /// A scenario of so many readers, with or without slow ones among them.
  init(clients: Int, hasSlow: Bool) {
    self.clients = clients
    self.hasSlow = hasSlow
  }

  private var slow: Int { hasSlow ? clients / 10 : 0 }
  var name: String { "slow readers, \(slow) of \(clients)" }
  var work: Work { .feed }
  var program: Orchestrator.Program { Orchestrator.Program(feedEvent: FeedEvent(bytes: Self.eventBytes)) }
  var columns: [Figure] { [.eventsPerSecond, .eventP50, .eventP99, .serverBytes, .slowClosed] }

  func measure(_ trial: Trial) throws(BenchError) -> Sample {
    let feed = trial.feed(self)
    if let failed = try trial.prepare(feed) { return failed }
    let pace = Pace.every(.microseconds(1_000_000 / Self.eventsPerSecond))
    var plan = trial.audience(feed, pace, warmUp: min(.seconds(1), trial.window), window: trial.window)
    plan.slow = slow
    let outcome = try Audience.run(plan, meter: trial.server.meter, signals: trial.signals)
    return Sample(outcome, clients: trial.clients)
  }
}
