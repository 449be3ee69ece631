/// What a crowd of clients has counted within its window of time.
struct Tally: Sendable {
  /// How many events arrived.
  var events: UInt64 = 0
  /// From sending the request to the arrival of the first event, one a run, in nanoseconds.
  var firstEvents = Histogram()
  /// From the orchestrator's sending to the arrival, one an event, in nanoseconds.
  var latencies = Histogram()
}

/// What became of a crowd.
struct Outcome: Sendable {
  /// What was counted within the window.
  var tally = Tally()
  /// How long the window was, in seconds.
  var seconds = 0.0
  /// The server's processor time within the window, in nanoseconds.
  var serverNanoseconds: UInt64 = 0
  /// The benchmark's own processor time within the window, in nanoseconds.
  var benchNanoseconds: UInt64 = 0
  /// The processor time of everybody on this machine within the window, in nanoseconds.
  var machineNanoseconds: UInt64 = 0
  /// How many runs came to a good end, those before and after the window included.
  var goodRuns = 0
  /// The defects of all others, by their words.
  var defects: [String: Int] = [:]
}
