/// What is measured, each by the name it has in the machine-readable results.
enum Figure: String, CaseIterable {
  /// The server's processor time for each event that arrived.
  case microsecondsPerEvent = "cpu_us_per_event"
  /// How many events arrived each second.
  case eventsPerSecond = "events_per_second"
  /// From sending the request to the arrival of the first event.
  case firstEventP50 = "first_event_p50_ms"
  case firstEventP99 = "first_event_p99_ms"
  /// From the orchestrator's sending to the arrival of an event.
  case eventP50 = "event_p50_ms"
  case eventP99 = "event_p99_ms"
  /// What the server's memory grew at the peak, for each run that was open.
  case bytesPerRun = "rss_bytes_per_run"
  /// How many processors the server kept busy.
  case serverLoad = "server_load"
  /// How many processors the clients kept busy together with the stand-in, if that is not the server.
  case benchLoad = "bench_load"
  /// How many processors everybody else on the machine kept busy.
  case othersLoad = "others_load"
}

/// What one round of one scenario with one server gave.
struct Sample {
  /// Those figures that could be measured.
  let figures: [Figure: Double]
  /// How many runs were right, byte for byte.
  let goodRuns: Int
  /// The defects of all others, by their words.
  let defects: [String: Int]

  /// The figures of an outcome.
  ///
  /// - Parameters:
  ///   - outcome: what became of the crowd.
  ///   - grownBytes: what the server's memory grew; `nil` where it has none of its own.
  ///   - runs: how many runs were open at a time.
  init(_ outcome: Outcome, grownBytes: Int?, runs: Int) {
    let events = Double(outcome.tally.events)
    let nanoseconds = outcome.seconds * 1e9
    var figures: [Figure: Double] = [
      .eventsPerSecond: events / outcome.seconds,
      .serverLoad: Double(outcome.serverNanoseconds) / nanoseconds,
      .benchLoad: Double(outcome.benchNanoseconds) / nanoseconds,
    ]
    let known = outcome.serverNanoseconds + outcome.benchNanoseconds
    figures[.othersLoad] = Double(outcome.machineNanoseconds - min(known, outcome.machineNanoseconds)) / nanoseconds
    if events > 0 { figures[.microsecondsPerEvent] = Double(outcome.serverNanoseconds) / 1000 / events }
    figures[.firstEventP50] = outcome.tally.firstEvents.quantile(0.5).map { $0 / 1e6 }
    figures[.firstEventP99] = outcome.tally.firstEvents.quantile(0.99).map { $0 / 1e6 }
    figures[.eventP50] = outcome.tally.latencies.quantile(0.5).map { $0 / 1e6 }
    figures[.eventP99] = outcome.tally.latencies.quantile(0.99).map { $0 / 1e6 }
    figures[.bytesPerRun] = grownBytes.map { Double($0) / Double(runs) }
    self.figures = figures
    goodRuns = outcome.goodRuns
    defects = outcome.defects
  }
}
