internal import Logging
internal import Reactor
internal import Streams

// How a worker ends, and what it takes over from the process before.

extension Worker {
  // MARK: - Draining

  func drain(within time: Duration) {
    if let draining {
      draining.hurry(within: time)
    } else {
      for listener in listeners { listener.close() }
      listeners = []
      draining = Drain(of: self, within: time)
      for connection in connections { connection?.drain() }
    }
    stopIfDrained()
  }

  /// The drain's time has passed: what has not ended does now.
  ///
  /// Where runs are kept for the next process, readers are to come back and find the error event there; where they are
  /// not, this is the last that anybody can tell them.
  func endRuns() {
    for run in runs.all {
      if stateDirectory == nil { run.finish(.drained) } else { run.interrupt() }
    }
  }

  /// What is left is cut.
  func closeConnections() {
    for connection in connections { connection?.close(.drained) }
  }

  /// Whether nothing is left to do here.
  var isDrained: Bool {
    // A run that is kept may be read later, by whoever comes back: it has its time.
    draining != nil && connectionCount == 0 && (stateDirectory == nil || runs.liveCount == 0)
  }

  /// No worker stops before all have drained: connections are still moved between them, and feeds have mirrors.
  func stopIfDrained() {
    guard draining != nil, shared.drained.report(isDrained, of: place) else { return }
    for place in 0..<peers.count { peers.post(.stop, to: place) }
  }

  // MARK: - From process to process

  /// Takes up what an earlier process has kept.
  func restore() {
    var restored = 0
    // The newest comes first in the file, and is to be forgotten last.
    for record in records.reversed() {
      guard let route = table.runRoute(record.route) else { continue }
      let run = Run(record, on: route, of: self)
      runs.add(run)
      runs.finished(run)
      restored += 1
    }
    guard !records.isEmpty else { return }
    logger.info("runs_restored", metadata: ["runs": "\(restored)", "without_route": "\(records.count - restored)"])
    records = []
  }

  /// Keeps every run for the next process; all of them have ended.
  func save() {
    guard let stateDirectory else { return }
    do throws(SystemError) {
      let (count, all) = (try StateFile(in: stateDirectory, of: place).write(runs.records), runs.finishedCount)
      if count < all {
        logger.error("runs_not_saved", metadata: ["runs": "\(all - count)", "error": "no room in state_directory"])
      }
      logger.info("runs_saved", metadata: ["runs": "\(count)"])
    } catch {
      logger.error(
        "runs_not_saved", metadata: ["runs": "\(runs.finishedCount)", "error": "state_directory: \(error)"])
    }
  }
}
