internal import Streams

// A run with one reader may wait for it instead of leaving it behind.

extension Run {
  /// Holds the orchestrator back while the only reader is too far behind, and lets it go on after that.
  func holdOrLetGo(_ reader: Subscriber, isBlocked: Bool) {
    guard route.backpressure, let request, stage == .open, pumping.holds(reader) else { return }
    let lag = log.end.offset - pumping.cursor(of: reader).offset
    guard backpressure.update(lag: lag, isBlocked: isBlocked, readers: watchers) else { return }
    worker.counters.heldUpstreams.add(backpressure.isOn ? 1 : -1)
    if backpressure.isOn {
      worker.counters.heldReaders.add(1)
      request.hold()
    } else {
      request.letGo()
    }
  }

  /// Who reads it: its own readers, and each mirror as one.
  private var watchers: Int { readers.count + mirrors.count }

  /// Whether nothing is added before the only reader has had more of it; of a run that has ended nothing is.
  var waitsForReader: Bool {
    backpressure.isOn || route.backpressure && isFinished && watchers == 1
  }

  /// One more reader, or none: nobody is waited for.
  func letGo() {
    guard backpressure.update(lag: 0, isBlocked: false, readers: watchers) else { return }
    worker.counters.heldUpstreams.add(-1)
    request?.letGo()
  }
}
