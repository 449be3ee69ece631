import Reactor

/// How much processor time a window of time has cost.
struct Usage: Sendable {
  /// How long the window was, in seconds.
  var seconds = 0.0
  /// The server's processor time within the window, in nanoseconds.
  var serverNanoseconds: UInt64 = 0
  /// The benchmark's own: the clients' and the stand-in's.
  var benchNanoseconds: UInt64 = 0
  /// That of everybody on this machine, those two included.
  var machineNanoseconds: UInt64 = 0
}

/// A window of time that has been opened.
struct UsageWindow {
  private let meter: CPUMeter
  private let openedAt = Instant.now
  private let server: UInt64
  private let bench: UInt64
  private let machine: UInt64

  /// Opens it.
  ///
  /// - Parameter meter: reads the server's processor time.
  init(_ meter: CPUMeter) {
    self.meter = meter
    server = meter.nanoseconds
    bench = CPUMeter.ownProcess.nanoseconds
    machine = CPUMeter.machineNanoseconds
  }

  /// Closes it.
  func close() -> Usage {
    Usage(
      seconds: Double(Instant.now.nanoseconds - openedAt.nanoseconds) / 1e9,
      serverNanoseconds: Self.grown(from: server, to: meter.nanoseconds),
      benchNanoseconds: Self.grown(from: bench, to: CPUMeter.ownProcess.nanoseconds),
      machineNanoseconds: Self.grown(from: machine, to: CPUMeter.machineNanoseconds))
  }

  /// The time of a server that has ended in the middle is lost; its runs are wrong in any case.
  private static func grown(from before: UInt64, to now: UInt64) -> UInt64 {
    now - min(before, now)
  }
}
