import Load

/// What one round of one scenario with one server gave.
struct Sample {
  /// Of less than this many seconds no load is told: the kernel's clock for the machine is too coarse.
  private static let shortestWindow = 0.1
  /// Those figures that could be measured.
  private(set) var figures: [Figure: Double]
  /// How many runs were right, byte for byte; of a feed, how many readers had all of it.
  let goodRuns: Int
  /// The defects of all others, by their words.
  private(set) var defects: [String: Int]

  /// The figures of an outcome.
  ///
  /// - Parameters:
  ///   - outcome: what became of the clients.
  ///   - clients: how many there were at a time.
  init(_ outcome: Outcome, clients: Int) {
    let (tally, usage) = (outcome.tally, outcome.usage)
    var figures: [Figure: Double] = [.clients: Double(clients), .slowClosed: Double(outcome.slowClosed)]
    if usage.seconds >= Self.shortestWindow {
      let nanoseconds = usage.seconds * 1e9
      let known = usage.serverNanoseconds + usage.benchNanoseconds
      figures[.eventsPerSecond] = Double(tally.events) / usage.seconds
      figures[.serverLoad] = Double(usage.serverNanoseconds) / nanoseconds
      figures[.benchLoad] = Double(usage.benchNanoseconds) / nanoseconds
      figures[.othersLoad] = Double(usage.machineNanoseconds - min(known, usage.machineNanoseconds)) / nanoseconds
    }
    if tally.events > 0 {
      figures[.microsecondsPerEvent] = Double(usage.serverNanoseconds) / 1000 / Double(tally.events)
    }
    let times: [(Latency, Figure, Figure)] = [
      (tally.firstEvents, .firstEventP50, .firstEventP99), (tally.latencies, .eventP50, .eventP99),
    ]
    for (latency, median, tail) in times where latency.count > 0 {
      figures[median] = Double(latency.percentile(50)) / 1e6
      figures[tail] = Double(latency.percentile(99)) / 1e6
    }
    figures[.serverBytes] = outcome.serverBytes.map(Double.init)
    self.figures = figures
    goodRuns = outcome.goodRuns
    defects = outcome.defects
  }

  /// Nothing was measured.
  ///
  /// - Parameter defect: why.
  init(defect: String) {
    (figures, goodRuns, defects) = ([:], 0, [defect: 1])
  }

  /// Adds what the server's memory grew for each client.
  mutating func setGrowth(from before: Int?, for clients: Int) {
    guard let before, let after = figures[.serverBytes] else { return }
    figures[.bytesPerClient] = max(0, after - Double(before)) / Double(max(1, clients))
  }

  /// Adds what was wrong as a whole.
  mutating func add(defect: String) {
    defects[defect, default: 0] += 1
  }
}
