import Reactor

/// The thread on which clients live.
enum ClientThread {
  /// Runs clients on a thread and a loop of their own and waits for what became of them.
  ///
  /// - Parameters:
  ///   - signals: what ends the wait early.
  ///   - body: has the thread for itself.
  /// - Returns: what the body returned.
  /// - Throws: `BenchError`; after an interruption the thread is left to the process's end.
  static func run<Result: Sendable>(
    signals: Signals, _ body: @escaping @Sendable (Loop) -> Result
  ) throws(BenchError) -> Result {
    let found = Locked<Swift.Result<Result, SystemError>?>(nil)
    let thread: Thread
    do throws(SystemError) {
      thread = try Thread("clients") {
        do throws(SystemError) {
          // A table of their own, so that the stand-in's connections do not count against the same limit.
          try ProcessLimits.ownDescriptors()
          let result = body(try Loop())
          found.change { $0 = .success(result) }
        } catch {
          found.change { $0 = .failure(error) }
        }
      }
    } catch {
      throw .system(error)
    }
    while true {
      switch found.withLock({ $0 }) {
      case .success(let result):
        thread.join()
        return result
      case .failure(let error):
        thread.join()
        throw .system(error)
      case nil: try signals.pause(milliseconds: 5)
      }
    }
  }
}
