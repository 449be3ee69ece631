import Load

/// What clients have counted within a window of time.
struct Tally: Sendable {
  /// How many events arrived.
  var events: UInt64 = 0
  /// From the beginning of a request to the arrival of the first event, one a run, in nanoseconds.
  var firstEvents = Latency()
  /// From the orchestrator's sending to the arrival, one an event, in nanoseconds.
  var latencies = Latency()
}

/// What became of the clients.
struct Outcome: Sendable {
  /// What was counted within the window.
  var tally = Tally()
  /// What the window has cost.
  var usage = Usage()
  /// How many runs came to a good end, those before and after the window included; of a feed, how many readers.
  var goodRuns = 0
  /// The defects of all others, by their words.
  var defects: [String: Int] = [:]
  /// The memory of the server when the window closed, in bytes.
  var serverBytes: Int?
  /// How many of the readers that do not read were cut off by then.
  var slowClosed = 0
}
