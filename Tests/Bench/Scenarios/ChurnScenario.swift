import Reactor

/// Churn: clients connect, get the feed's last event, and leave at once.
///
/// The feed goes on meanwhile, ten events a second, as some proxies notice only then that a client has left.
struct ChurnScenario: Scenario {
  var clients: Int

  /// A scenario of so many clients at a time.
  init(clients: Int) {
    self.clients = clients
  }

  var name: String { "churn (connect, one event, close), \(clients) clients" }
  var work: Work { .churn }
  var columns: [Figure] { [.eventsPerSecond, .firstEventP50, .firstEventP99] }

  func measure(_ trial: Trial) throws(BenchError) -> Sample {
    let feed = trial.feed(self)
    trial.orchestrator.begin(.every(.milliseconds(100)))
    defer { trial.orchestrator.stop() }
    try waitForEvents(trial)
    // The first client makes the gateway ask for the feed, the next ones find it.
    let first = plan(trial, feed, clients: 1, warmUp: .zero, window: .milliseconds(200))
    var outcome = try Crowd.run(first, meter: trial.server.meter, signals: trial.signals)
    if outcome.defects.isEmpty {
      let warmUp = min(.milliseconds(500), trial.window)
      let plan = plan(trial, feed, clients: trial.clients, warmUp: warmUp, window: trial.window)
      outcome = try Crowd.run(plan, meter: trial.server.meter, signals: trial.signals)
    }
    return Sample(outcome, clients: trial.clients)
  }

  private func waitForEvents(_ trial: Trial) throws(BenchError) {
    while trial.orchestrator.feed.withLock({ $0.last < 2 }) { try trial.signals.pause(milliseconds: 5) }
  }

  private func plan(
    _ trial: Trial, _ feed: FeedTarget, clients: Int, warmUp: Duration, window: Duration
  ) -> Crowd.Plan {
    Crowd.Plan(
      address: trial.server.address, clients: clients,
      makeErrand: { LastEventErrand(feed) }, warmUp: warmUp, window: window, patience: Trial.patience)
  }
}
