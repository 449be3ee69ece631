internal import Glibc

/// Processor time and memory that this process has taken so far.
enum ProcessorTime {
  /// User and system time of all threads, in nanoseconds.
  ///
  /// getrusage(2).
  static var process: UInt64 {
    let usage = usage
    return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)
  }

  /// The calling thread's, in nanoseconds.
  ///
  /// clock_gettime(2) with CLOCK_THREAD_CPUTIME_ID.
  static var thread: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The most memory that was resident since the program began, in bytes; zero where the system does not say.
  ///
  /// proc(5), VmHWM: getrusage(2) would count what the process was before exec(2).
  static var peakResidentBytes: UInt64 {
    guard let bytes = try? FileBytes.read("/proc/self/status") else { return 0 }
    let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { UInt64($0) } ?? 0) * 1024
  }

  /// How many processors the machine has online.
  static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  private static var usage: rusage {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  private static func nanoseconds(_ time: timeval) -> UInt64 {
    UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1_000
  }
}
