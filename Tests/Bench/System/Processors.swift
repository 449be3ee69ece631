import Glibc
import Reactor

/// Which processor the server under test has for itself, and which one everything else.
///
/// With two or more allowed processors and taskset(1), the first is the server's and the second the benchmark's, so
/// that neither takes the other's time; otherwise nothing is pinned.
struct Processors {
  private let taskset: String?
  private let server: Int
  private let bench: Int

  /// Pins this process.
  ///
  /// To be called before the first thread starts, because threads inherit it.
  ///
  /// - Parameters:
  ///   - folder: gets what taskset writes.
  ///   - signals: looked for while taskset runs.
  /// - Throws: `BenchError` where no process can be started.
  init(pinningIn folder: TemporaryFolder, signals: Signals) throws(BenchError) {
    let allowed = Self.parse(SystemFile.line("Cpus_allowed_list", of: "/proc/self/status") ?? "")
    guard allowed.count >= 2, let taskset = Program.find("taskset") else {
      (self.taskset, server, bench) = (nil, 0, 0)
      return
    }
    (server, bench) = (allowed[0], allowed[1])
    let child: Child
    do throws(SystemError) {
      child = try Child([taskset, "-p", "-c", "\(bench)", "\(getpid())"], output: folder.path(of: "taskset.out"))
    } catch {
      throw .system(error)
    }
    defer { child.end() }
    while child.isRunning { try signals.pause(milliseconds: 1) }
    self.taskset = child.hasSucceeded ? taskset : nil
  }

  /// A command, changed so that it runs where servers do.
  func serverCommand(_ command: [String]) -> [String] {
    guard let taskset else { return command }
    return [taskset, "-c", "\(server)"] + command
  }

  /// What is pinned where.
  var description: String {
    taskset == nil ? "nothing pinned" : "server on CPU \(server), everything else on CPU \(bench)"
  }

  /// The numbers of a list such as `0-3,8`.
  static func parse(_ list: Substring) -> [Int] {
    list.split(separator: ",").flatMap { range -> [Int] in
      let ends = range.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }
}
