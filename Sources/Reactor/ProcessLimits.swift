internal import CSystem
internal import Glibc

/// The process's limits that a server of many sockets minds.
public enum ProcessLimits {
  /// How many processors this process may use: its affinity, and the quota of its control group where there is one.
  ///
  /// sched_getaffinity(2); cgroup v2, cpu.max.
  public static func processors() -> Int {
    let usable = Int(csystem_usable_processors())
    guard let quota = processorQuota() else { return max(1, usable) }
    return max(1, min(usable, quota))
  }

  /// How many bytes of memory this process may have: the machine's, or the least that a control group of its own or
  /// one above it allows.
  ///
  /// sysconf(3); cgroup v2, memory.max and memory.high.
  public static func memoryBytes() -> Int {
    let machine = Int(clamping: sysconf(Int32(_SC_PHYS_PAGES))) * Int(clamping: sysconf(Int32(_SC_PAGESIZE)))
    var path = "/sys/fs/cgroup\(group)"
    var least = max(machine, 0)
    while path.hasPrefix("/sys/fs/cgroup") {
      for file in ["memory.max", "memory.high"] {
        let words = text(of: "\(path)/\(file)").split { $0 == "\n" }
        if let word = words.first, let bytes = Int(word), bytes > 0 { least = min(least, bytes) }
      }
      path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
    return least
  }

  /// Gives the kernel back what was freed.
  ///
  /// malloc_trim(3). The allocator keeps it otherwise wherever something beyond it is still in use.
  public static func trimMemory() {
    csystem_trim_memory()
  }

  /// The process's own control group: the root of what it sees in a container; elsewhere its path is in /proc.
  private static var group: Substring {
    text(of: "/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }?.dropFirst(3) ?? "/"
  }

  /// The quota in whole processors, rounded up; `nil` without one.
  private static func processorQuota() -> Int? {
    for path in ["/sys/fs/cgroup\(group)/cpu.max", "/sys/fs/cgroup/cpu.max"] {
      let words = text(of: path).split { $0 == " " || $0 == "\n" }
      if words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), period > 0 {
        return (quota + period - 1) / period
      }
    }
    return nil
  }

  /// A small file's text; empty where it can't be read.
  private static func text(of path: String) -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = max(0, unsafe read(descriptor, buffer.baseAddress, buffer.count))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Raises the limit of open descriptors to what the system allows and returns it.
  ///
  /// setrlimit(2).
  public static func raiseDescriptors() -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      unsafe _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      unsafe _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    return Int(clamping: limit.rlim_cur)
  }
}
