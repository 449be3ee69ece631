internal import Glibc

/// A value that several threads share, behind one pthread mutex.
///
/// The standard library's `Mutex` is invisible to the thread sanitizer and makes it report races that are
/// none; this one it understands. This is the only place where the mutex is promised to be enough.
@safe
public final class Locked<State: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  /// A value that nobody holds.
  public init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(mutex)
    unsafe changed.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs a short body that holds the value alone; it must not block nor lock again.
  public func withLock<R>(_ body: (inout State) -> R) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body(&state)
  }

  /// Changes the value and wakes whoever waits for it.
  public func change<R>(_ body: (inout State) -> R) -> R {
    defer { unsafe pthread_cond_broadcast(changed) }
    return withLock(body)
  }

  /// Blocks until the body gives a value; it is asked after every `change`.
  public func wait<R>(_ body: (inout State) -> R?) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      unsafe pthread_cond_wait(changed, mutex)
    }
  }
}
