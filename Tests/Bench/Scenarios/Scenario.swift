import Reactor

/// A kind of work that is measured with every server that can do it.
protocol Scenario: Sendable {
  /// What people call it.
  var name: String { get }
  /// What the server does.
  var work: Work { get }
  /// How many clients are there at a time.
  var clients: Int { get set }
  /// What the orchestrator gives.
  var program: Orchestrator.Program { get }
  /// The figure that counts; the less, the better.
  var main: Figure { get }
  /// What is told beside it.
  var columns: [Figure] { get }

  /// Measures one round.
  ///
  /// - Returns: what was measured, the defects of wrong runs included.
  /// - Throws: `BenchError` where there is nothing to measure.
  func measure(_ trial: Trial) throws(BenchError) -> Sample
}

extension Scenario {
  var program: Orchestrator.Program { Orchestrator.Program() }
  var main: Figure { .microsecondsPerEvent }
}

/// The scenarios there are.
enum Scenarios {
  /// All, with so many clients as they are meant for.
  static let all: [any Scenario] = [
    FanOutScenario(readers: 5000, pace: .every(.milliseconds(100))),
    FanOutScenario(readers: 1000, pace: .saturated(window: 32)),
    FanOutScenario(readers: 10_000, pace: .saturated(window: 32)),
    ChatScenario(clients: 200, milliseconds: 20),
    ChatScenario(clients: 2000, milliseconds: 20),
    ChatScenario(clients: 200, milliseconds: 0),
    ChurnScenario(clients: 64),
    IdleScenario(clients: 10_000),
    SlowScenario(clients: 250, hasSlow: false),
    SlowScenario(clients: 250, hasSlow: true),
  ]
}
