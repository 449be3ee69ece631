internal import Reactor

/// The end of a worker's service.
///
/// Runs go on until the deadline. Feeds have no end of their own: their readers are ended one after the other until
/// then, so that they don't come back as one herd.
/// - Owner: the worker.
/// - Thread: the worker's.
final class Drain: TimerOwner {
  private static let step = Duration.milliseconds(100)
  /// How long what was ended at the deadline may take to be written.
  private static let grace = Duration.seconds(1)

  private unowned let worker: Worker
  private var deadline: Instant
  private var isPast = false
  private var timer: TimerID?

  /// Begins at once.
  init(of worker: Worker, within time: Duration) {
    self.worker = worker
    deadline = worker.loop.now + time
    arm()
  }

  /// Sets another deadline, such as none.
  func hurry(within time: Duration) {
    guard !isPast else { return }
    deadline = worker.loop.now + time
    arm()
  }

  /// Nothing is left.
  func end() {
    worker.loop.cancelTimer(&timer)
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    let left = deadline - worker.loop.now
    if left > .zero {
      let share = Int(left.wholeMilliseconds / Self.step.wholeMilliseconds) + 1
      worker.feeds.cutReaders(share: share)
      worker.muxes.cutReaders(share: share)
      arm()
    } else if !isPast {
      isPast = true
      worker.feeds.cutReaders(share: 1)
      worker.endRuns()
      worker.muxes.cutAll()
      timer = worker.loop.setTimer(after: Self.grace, for: self)
    } else {
      worker.closeConnections()
      // What began meanwhile ends as well: nothing is waited for any more.
      worker.endRuns()
    }
  }

  private func arm() {
    worker.loop.cancelTimer(&timer)
    timer = worker.loop.setTimer(after: min(Self.step, deadline - worker.loop.now), for: self)
  }
}
