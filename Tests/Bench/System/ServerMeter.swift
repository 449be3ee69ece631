import Glibc

/// Reads what the processes of a server have used.
struct ServerMeter: Sendable {
  /// Reads their processor time.
  let processor: CPUMeter
  private let processes: [pid_t]

  /// Of these processes together.
  init(processes: [pid_t]) {
    self.processes = processes
    processor = CPUMeter(processes: processes)
  }

  /// Their memory in bytes, what they share counted once (PSS); `nil` where the kernel does not tell.
  ///
  /// proc(5), /proc/pid/smaps_rollup.
  var proportionalBytes: Int? {
    var sum = 0
    for process in processes {
      guard let words = SystemFile.line("Pss", of: "/proc/\(process)/smaps_rollup")?.split(separator: " "),
        let kibibytes = words.first.flatMap({ Int($0) })
      else { return nil }
      sum += kibibytes * 1024
    }
    return sum
  }
}
