import Glibc
import Reactor

/// A process that the benchmark has started and ends.
///
/// It leads a process group of its own, so that Ctrl-C reaches the benchmark alone, which then ends it.
@safe
final class Child {
  /// Its process ID, valid until `end`.
  let id: pid_t
  private var isReaped = false
  private var status: Int32 = 0

  /// Starts a program.
  ///
  /// posix_spawn(3).
  ///
  /// - Parameters:
  ///   - command: the path of the program, and its arguments.
  ///   - output: the file that gets what it writes.
  /// - Throws: `SystemError` where the system can't start it.
  init(_ command: [String], output: String) throws(SystemError) {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)

    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe _ = posix_spawnattr_destroy(&attributes) }
    // What the benchmark holds back or ignores would otherwise be so in the child, too.
    var none = sigset_t()
    var all = sigset_t()
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    let flags = Int32(POSIX_SPAWN_SETPGROUP) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

    var words = unsafe command.map { unsafe strdup($0) } + [nil]
    defer { unsafe words.forEach { unsafe free($0) } }
    var environment = unsafe [strdup("PATH=\(Program.path)"), nil]
    defer { unsafe environment.forEach { unsafe free($0) } }
    var id = pid_t()
    let code = unsafe posix_spawn(&id, command[0], &actions, &attributes, &words, &environment)
    guard code == 0 else { throw SystemError("posix_spawn", code: code) }
    self.id = id
  }

  /// Whether it has neither ended nor been ended.
  ///
  /// waitpid(2).
  var isRunning: Bool {
    if !isReaped, unsafe waitpid(id, &status, WNOHANG) == id { isReaped = true }
    return !isReaped
  }

  /// Whether it has ended by itself and said that all went well.
  var hasSucceeded: Bool { !isRunning && status == 0 }

  /// The process and all that descend from it.
  ///
  /// proc(5), /proc/pid/task/tid/children: children belong to the thread that made them, a server's to its main thread.
  var family: [pid_t] {
    var family = [id]
    var next = 0
    while next < family.count {
      let children = SystemFile.read("/proc/\(family[next])/task/\(family[next])/children") ?? ""
      family += children.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { pid_t($0) }
      next += 1
    }
    return family
  }

  /// Asks it to end, waits for at most five seconds, then kills it with all that descends from it.
  func end() {
    guard isRunning else { return }
    kill(id, SIGTERM)
    for _ in 0..<1000 {
      guard isRunning else { return }
      // waitpid(2) knows no deadline.
      usleep(5000)
    }
    kill(-id, SIGKILL)
    unsafe waitpid(id, &status, 0)
    isReaped = true
  }
}
