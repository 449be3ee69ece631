internal import Reactor

/// What a test has found.
public struct Outcome: Sendable {
  let plan: Plan
  /// What all threads have counted.
  let tally: Tally
  let counts: OpenCounts
  let elapsed: Duration
  /// Whether a signal ended it.
  public let wasInterrupted: Bool
  /// The tester's processor time, all threads.
  let processorNanoseconds: UInt64
  /// The most memory that the tester had, in bytes.
  let peakResidentBytes: UInt64
  /// How many processors the machine has.
  let cores: Int

  /// Events a second, over the whole test.
  var eventsPerSecond: Double { elapsed > .zero ? Double(tally.events) / elapsed.inSeconds : 0 }

  /// The tester's processor time, as a fraction of one core.
  var processorShare: Double { elapsed > .zero ? Double(processorNanoseconds) / 1e9 / elapsed.inSeconds : 0 }

  /// Whether any server answered anything.
  public var wasAnswered: Bool { !tally.statuses.isEmpty }

  /// Each expectation with its judgement, in the order they were given.
  var judgements: [Judgement] { plan.expectations.map { Judgement($0, self) } }

  /// The expectations that failed, a line for each.
  public var failedExpectations: [String] { judgements.filter { !$0.holds }.map(\.description) }

  /// What the reader of the figures has to know: what ran out, and whether the tester itself was the limit.
  public var warnings: [String] {
    var found = tally.failures.keys.sorted { $0.rawValue < $1.rawValue }.compactMap(\.advice)
    if tally.busiestSecond > 0.8 {
      let share = Words.decimal(tally.busiestSecond * 100, 0)
      found.append(
        "the tester may be the bottleneck: a thread of it took \(share) % of a core within a second; "
          + "give more --threads, or another machine")
    }
    return found
  }
}
