import Reactor

/// Fan-out: everybody reads the same feed, each event of which goes to all.
struct FanOutScenario: Scenario {
  var clients: Int
  private let pace: Pace

  /// A scenario of so many readers, with events at a rate or as fast as they are read.
  init(readers: Int, pace: Pace) {
    clients = readers
    self.pace = pace
  }

  var name: String {
    guard case .every(let interval) = pace else { return "fan-out saturated, \(clients) readers" }
    return "fan-out every \(interval.wholeMilliseconds) ms, \(clients) readers"
  }

  var work: Work { .feed }
  var columns: [Figure] { [.eventsPerSecond, .eventP50, .eventP99, .serverBytes] }

  func measure(_ trial: Trial) throws(BenchError) -> Sample {
    let feed = trial.feed(self)
    if let failed = try trial.prepare(feed) { return failed }
    let plan = trial.audience(feed, pace, warmUp: min(.seconds(1), trial.window), window: trial.window)
    let outcome = try Audience.run(plan, meter: trial.server.meter, signals: trial.signals)
    return Sample(outcome, clients: trial.clients)
  }
}
