import Reactor

/// Idle: everybody reads a feed that has nothing to say, after one event that proves that they all do.
struct IdleScenario: Scenario {
  var clients: Int

  /// A scenario of so many readers.
  init(clients: Int) {
    self.clients = clients
  }

  var name: String { "idle, \(clients) readers" }
  var work: Work { .feed }
  var main: Figure { .bytesPerClient }
  var columns: [Figure] { [.serverBytes] }

  func measure(_ trial: Trial) throws(BenchError) -> Sample {
    let feed = trial.feed(self)
    if let failed = try trial.prepare(feed) { return failed }
    let meter = trial.server.meter
    let before = meter.proportionalBytes
    let plan = trial.audience(feed, .once, warmUp: .zero, window: .zero)
    var sample = Sample(try Audience.run(plan, meter: meter, signals: trial.signals), clients: trial.clients)
    sample.setGrowth(from: before, for: trial.clients)
    return sample
  }
}
