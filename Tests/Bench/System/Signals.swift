import Glibc
import Reactor

/// The signals that ask the benchmark to end: they wait until its main thread looks for them.
///
/// So nothing is ended in the middle: the wait throws, and whoever started a process or a file takes it away.
struct Signals {
  /// Holds SIGINT, SIGTERM and SIGHUP back, in this thread and in those that it starts.
  init() {
    var ends = Self.ends
    unsafe pthread_sigmask(SIG_BLOCK, &ends, nil)
  }

  /// Lets time pass.
  ///
  /// sigtimedwait(2).
  ///
  /// - Parameter milliseconds: less than a thousand.
  /// - Throws: `BenchError.interrupted` as soon as one of the signals has come; end what was begun.
  func pause(milliseconds: Int) throws(BenchError) {
    precondition((0..<1000).contains(milliseconds), "a pause is short")
    var ends = Self.ends
    var time = timespec(tv_sec: 0, tv_nsec: milliseconds * 1_000_000)
    let signal = unsafe sigtimedwait(&ends, nil, &time)
    if signal > 0 { throw .interrupted(signal: signal) }
  }

  private static var ends: sigset_t {
    var ends = sigset_t()
    unsafe sigemptyset(&ends)
    for signal in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&ends, signal) }
    return ends
  }
}
