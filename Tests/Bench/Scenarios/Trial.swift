import Reactor

/// One round of one scenario with one server: the server has started, the clients have not come.
struct Trial {
  /// Whom clients are sent to.
  let server: Server
  /// What kind of server it is.
  let peer: any Peer
  /// What stands behind it.
  let orchestrator: Orchestrator
  /// How many clients come: as many as the scenario wants, or as the server may have descriptors for.
  let clients: Int
  /// How long events are counted.
  let window: Duration
  /// What may end it early.
  let signals: Signals

  /// How long runs may take beyond what they last, on a machine that has much else to do.
  static let patience = Duration.seconds(20)
  /// What a process opens besides its clients' connections.
  private static let ownDescriptors = 256

  /// Starts everybody, measures, and ends everybody.
  ///
  /// - Throws: `BenchError` where there is nothing to measure; nothing is left running then.
  static func run(
    _ scenario: any Scenario, with peer: any Peer, for window: Duration, on bench: Workbench
  ) throws(BenchError) -> Sample {
    let room = (bench.descriptors - ownDescriptors) / peer.descriptorsPerClient(scenario.work)
    let clients = min(scenario.clients, room)
    guard clients > 0 else {
      throw .descriptors(given: bench.descriptors, needed: 2 * ownDescriptors, scenario: scenario.name)
    }
    let orchestrator: Orchestrator
    do throws(SystemError) {
      orchestrator = try Orchestrator(scenario.program)
    } catch {
      throw .system(error)
    }
    defer { orchestrator.end() }
    let server: Server
    do throws(BenchError) {
      server = try peer.start(scenario.work, before: orchestrator.address, clients: clients, on: bench)
    } catch .startFailed(let words, let output) {
      // The others may still be measured.
      return Sample(defect: "\(BenchError.startFailed(server: words, output: output))")
    }
    defer { server.end() }
    if peer.isHub { orchestrator.publish(to: server.address) }
    let trial = Trial(
      server: server, peer: peer, orchestrator: orchestrator, clients: clients, window: window, signals: bench.signals)
    var sample = try scenario.measure(trial)
    if !server.isRunning { sample.add(defect: "the server has ended:\n\(server.lastLines)") }
    return sample
  }
}

extension Trial {
  /// Where this server has the feed.
  func feed(_ scenario: some Scenario) -> FeedTarget {
    FeedTarget(
      path: peer.feedPath(scenario.work), knowsPlaces: !peer.isHub, event: scenario.program.feedEvent,
      orchestrator: orchestrator)
  }

  /// A plan in which all clients read the feed.
  func audience(_ feed: FeedTarget, _ pace: Pace, warmUp: Duration, window: Duration) -> Audience.Plan {
    Audience.Plan(
      address: server.address, request: feed.request, readers: clients, event: feed.event,
      orchestrator: orchestrator, pace: pace, warmUp: warmUp, window: window, patience: Self.patience)
  }

  /// Lets a few read one event: code is loaded and every process is there before time and memory are read.
  ///
  /// - Returns: what became of them, where that is not as it should be.
  func prepare(_ feed: FeedTarget) throws(BenchError) -> Sample? {
    var plan = audience(feed, .once, warmUp: .zero, window: .zero)
    plan.readers = min(4, clients)
    let outcome = try Audience.run(plan, meter: server.meter, signals: signals)
    return outcome.defects.isEmpty ? nil : Sample(outcome, clients: plan.readers)
  }
}
