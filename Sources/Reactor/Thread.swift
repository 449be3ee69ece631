internal import CLibevent
internal import CSystem
internal import Glibc

/// A thread of our own: a loop runs on one for life.
///
/// All signals are blocked in it, so that they reach the thread that handles them.
@safe
public struct Thread: Sendable {
  private let thread: pthread_t

  private final class Start {
    let name: StaticString
    let body: () -> Void
    init(_ name: StaticString, _ body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a thread.
  ///
  /// pthread_create(3).
  ///
  /// - Parameters:
  ///   - name: at most 15 characters, seen in top(1).
  ///   - body: owned by the thread from now on.
  /// - Throws: `SystemError` where the system has no room for another thread.
  public init(_ name: StaticString, _ body: sending @escaping () -> Void) throws(SystemError) {
    let start = unsafe Unmanaged.passRetained(Start(name, body)).toOpaque()
    var everything = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&everything)
    unsafe pthread_sigmask(SIG_SETMASK, &everything, &before)
    defer { unsafe _ = pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer = unsafe pointer else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
        start.name.withUTF8Buffer { name in
          unsafe name.withMemoryRebound(to: CChar.self) { unsafe csystem_name_thread($0.baseAddress) }
        }
        start.body()
        return nil
      }, start)
    guard code == 0 else {
      unsafe Unmanaged<Start>.fromOpaque(start).release()
      throw SystemError("pthread_create", code: code)
    }
    self.thread = thread
  }

  /// Lets the thread end by itself, its memory with it.
  ///
  /// pthread_detach(3).
  public func detach() {
    _ = pthread_detach(thread)
  }

  /// Waits for the thread's end; once, by whoever started it.
  ///
  /// pthread_join(3).
  public func join() {
    _ = pthread_join(thread, nil)
  }
}
