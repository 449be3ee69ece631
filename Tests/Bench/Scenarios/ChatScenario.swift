import Reactor

/// Chat runs: every client has an answer of its own from the orchestrator, which nobody else reads.
struct ChatScenario {
  /// The scenarios that are measured.
  ///
  /// Events one by one show what each costs; all at once shows what a run costs.
  static let all = [
    ChatScenario(clients: 200, milliseconds: 20),
    ChatScenario(clients: 2000, milliseconds: 20),
    ChatScenario(clients: 200, milliseconds: 0),
  ]

  private static let script = Script(events: 54)
  /// How long runs may take beyond what they last, on a machine that has much else to do.
  private static let patience = Duration.seconds(20)
  private let clients: Int
  private let milliseconds: Int

  /// What people call it.
  var name: String { "chat \(milliseconds) ms, \(clients) clients" }

  /// Measures one round.
  ///
  /// - Parameters:
  ///   - contender: who serves; started before and ended after.
  ///   - window: how long events are counted.
  ///   - bench: where it runs.
  /// - Returns: what was measured, the defects of wrong runs included.
  /// - Throws: `BenchError` where there is nothing to measure; nothing is left running then.
  func measure(_ contender: Contender, for window: Duration, on bench: Workbench) throws(BenchError) -> Sample {
    // Either both ends of the clients' connections, or one end and the connection to the orchestrator behind it.
    let needed = 2 * clients + 100
    guard bench.descriptors >= needed else {
      throw .descriptors(given: bench.descriptors, needed: needed, scenario: name)
    }
    let orchestrator: Orchestrator
    do throws(SystemError) {
      orchestrator = try Orchestrator(Self.script, every: .milliseconds(milliseconds))
    } catch {
      throw .system(error)
    }
    defer { orchestrator.end() }
    let server = try contender.start(before: orchestrator, clients: clients, on: bench)
    defer { server.end() }
    return try measure(server, for: window, signals: bench.signals)
  }

  private func measure(_ server: Server, for window: Duration, signals: Signals) throws(BenchError) -> Sample {
    // A few runs first: code is loaded and every process is there before memory and time are read.
    let first = plan(to: server, clients: 4, warmUp: .zero, window: .zero)
    var outcome = try Crowd.run(first, meter: server.meter, signals: signals)
    guard outcome.defects.isEmpty else {
      outcome.tally = Tally()
      return Sample(outcome, grownBytes: nil, runs: 4)
    }
    let before = server.residentBytes
    server.forgetPeak()

    let run = Duration.milliseconds(milliseconds * Self.script.count)
    let warmUp = max(.milliseconds(200), min(run, window))
    let plan = plan(to: server, clients: clients, warmUp: warmUp, window: window)
    outcome = try Crowd.run(plan, meter: server.meter, signals: signals)
    // The stand-in's time is counted once.
    if !server.isProcess { outcome.benchNanoseconds -= min(outcome.serverNanoseconds, outcome.benchNanoseconds) }
    if !server.isRunning {
      outcome.defects["the server has ended:\n\(server.lastLines)", default: 0] += 1
    }
    var grown: Int?
    if let before, let peak = server.peakBytes { grown = max(0, peak - before) }
    return Sample(outcome, grownBytes: grown, runs: clients)
  }

  private func plan(to server: Server, clients: Int, warmUp: Duration, window: Duration) -> Crowd.Plan {
    let run = Duration.milliseconds(milliseconds * Self.script.count)
    return Crowd.Plan(
      address: server.address, clients: clients, script: Self.script, warmUp: warmUp, window: window,
      patience: run + Self.patience)
  }
}
