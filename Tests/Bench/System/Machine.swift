import Glibc

/// What has to be known of a machine to compare its figures with one another's.
struct Machine {
  /// Names and values, in order.
  let facts: [(name: String, value: String)]

  /// This machine.
  ///
  /// - Parameter processors: who runs on which of them.
  init(_ processors: Processors) {
    let kernel = SystemFile.read("/proc/sys/kernel/osrelease")?.split(separator: "\n").first
    facts = [
      ("processor", SystemFile.line("model name", of: "/proc/cpuinfo").map(String.init) ?? "unknown"),
      ("processors", "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))"),
      ("kernel", kernel.map(String.init) ?? "unknown"),
      ("placement", processors.description),
    ]
  }
}
