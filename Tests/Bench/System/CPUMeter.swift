import Glibc
import Reactor

/// Reads how much processor time processes have used, user and system together.
///
/// POSIX gives each a clock of its own, exact to the nanosecond; that of a process includes threads that have ended.
struct CPUMeter: Sendable {
  private let clocks: [clockid_t]

  /// The time of this process.
  static let ownProcess = CPUMeter(clocks: [CLOCK_PROCESS_CPUTIME_ID])

  private init(clocks: [clockid_t]) {
    self.clocks = clocks
  }

  /// The time of processes together; one that has ended counts nothing.
  ///
  /// clock_getcpuclockid(3).
  init(processes: [pid_t]) {
    clocks = processes.compactMap { process in
      var clock = clockid_t()
      return unsafe clock_getcpuclockid(process, &clock) == 0 ? clock : nil
    }
  }

  /// The time that all processors together were busy, whoever used it, in nanoseconds; exact to a clock tick of 10 ms.
  ///
  /// proc(5), /proc/stat: of the first line's numbers the fourth and the fifth are idle, and the last two were counted
  /// before.
  static var machineNanoseconds: UInt64 {
    let words = SystemFile.read("/proc/stat")?.split(separator: "\n").first?.split(separator: " ") ?? []
    let ticks = words.dropFirst().prefix(8).enumerated().reduce(0) { sum, field in
      field.offset == 3 || field.offset == 4 ? sum : sum + (UInt64(field.element) ?? 0)
    }
    return ticks * 1_000_000_000 / UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
  }

  /// The time used so far, in nanoseconds.
  var nanoseconds: UInt64 {
    clocks.reduce(0) { sum, clock in
      var time = timespec()
      guard unsafe clock_gettime(clock, &time) == 0 else { return sum }
      return sum + UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
  }
}
