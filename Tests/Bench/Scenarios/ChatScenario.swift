import Reactor

/// Chat runs: every client has an answer of its own from the orchestrator, which nobody else reads.
///
/// Events one by one show what each costs; all at once shows what a run costs.
struct ChatScenario: Scenario {
  var clients: Int
  private let milliseconds: Int

  /// A scenario of so many clients, with so long from one event to the next.
  init(clients: Int, milliseconds: Int) {
    self.clients = clients
    self.milliseconds = milliseconds
  }

  var name: String { "chat every \(milliseconds) ms, \(clients) clients" }
  var work: Work { .chat }
  var program: Orchestrator.Program { Orchestrator.Program(interval: .milliseconds(milliseconds)) }
  var columns: [Figure] { [.eventsPerSecond, .firstEventP50, .firstEventP99, .eventP50, .eventP99, .serverBytes] }

  func measure(_ trial: Trial) throws(BenchError) -> Sample {
    // A few runs first: code is loaded and every process is there before time is read.
    let first = plan(trial, clients: min(4, trial.clients), warmUp: .zero, window: .zero)
    var outcome = try Crowd.run(first, meter: trial.server.meter, signals: trial.signals)
    if outcome.defects.isEmpty {
      let warmUp = max(.milliseconds(200), min(runLength, trial.window))
      let plan = plan(trial, clients: trial.clients, warmUp: warmUp, window: trial.window)
      outcome = try Crowd.run(plan, meter: trial.server.meter, signals: trial.signals)
    }
    return Sample(outcome, clients: trial.clients)
  }

  private var runLength: Duration { Duration.milliseconds(milliseconds * program.script.count) }

  private func plan(_ trial: Trial, clients: Int, warmUp: Duration, window: Duration) -> Crowd.Plan {
    let script = program.script
    return Crowd.Plan(
      address: trial.server.address, clients: clients,
      makeErrand: { ChatErrand(script) }, warmUp: warmUp, window: window, patience: runLength + Trial.patience)
  }
}
