internal import Crypto
internal import Reactor
internal import Streams

/// A client's own name for a request, by which a retry finds the run that the first attempt began.
struct IdempotencyKey: Hashable {
  let principal: Principal?
  let route: String
  let key: String
}

/// Every run that can still be joined: live ones, and finished ones for `streams.keep_finished`.
///
/// All logs together stay within `streams.budget`. What gives way first: finished runs, the oldest first; then what
/// every reader of a live run has already had. What a live reader still has to get never gives way here.
/// - Owner: the worker.
/// - Thread: the worker's.
final class RunTable: TimerOwner {
  private let loop: Loop
  private var runs: [RunID: Run] = [:]
  private var keys: [IdempotencyKey: RunID] = [:]
  /// Finished runs in the order in which they finished, with the moment of their end; forgotten ones are skipped.
  private var finished = FinishedRuns()
  private var expiry: TimerID?
  private var occupiedBytes = 0
  private var nextWalk = Instant(nanoseconds: 0)
  /// `streams.budget`.
  var budgetBytes: Int
  /// `streams.keep_finished`.
  var keepFinished: Duration

  init(on loop: Loop, budgetBytes: Int, keepFinished: Duration) {
    self.loop = loop
    self.budgetBytes = budgetBytes
    self.keepFinished = keepFinished
  }

  /// The live runs and those that are kept.
  var all: some Collection<Run> { runs.values }

  /// A run by its name, `nil` where it is not known any more.
  func run(_ id: RunID) -> Run? { runs[id] }

  /// The run that a key began, `nil` where there is none.
  func run(of key: IdempotencyKey) -> Run? { keys[key].flatMap { runs[$0] } }

  /// A run came to be.
  func add(_ run: Run) {
    runs[run.id] = run
    if let key = run.key { keys[key] = run.id }
  }

  /// A run has its terminal event: it is kept for a while.
  func finished(_ run: Run) {
    finished.append(run.id, until: loop.now + keepFinished)
    if expiry == nil { expiry = loop.setTimer(after: keepFinished, for: self) }
  }

  /// A run is not to be found any more; its readers still get what is in its log.
  func forget(_ run: Run) {
    guard runs.removeValue(forKey: run.id) != nil else { return }
    if let key = run.key, keys[key] == run.id { keys[key] = nil }
    occupiedBytes -= run.accountedBytes
    run.accountedBytes = 0
  }

  /// A run's log has grown or shrunk.
  func account(_ run: Run, _ bytes: Int) {
    guard bytes != run.accountedBytes, runs[run.id] === run else { return }
    note(run, bytes)
  }

  private func note(_ run: Run, _ bytes: Int) {
    occupiedBytes += bytes - run.accountedBytes
    run.accountedBytes = bytes
  }

  /// Ends and forgets every run; there is no reader left.
  func close() {
    for run in runs.values { run.finish(.drained) }
    loop.cancelTimer(&expiry)
    runs = [:]
    keys = [:]
  }

  /// Finished runs whose time has passed are forgotten.
  func timerFired(_ tag: UInt8) {
    expiry = nil
    while let next = finished.first {
      guard next.until <= loop.now else {
        expiry = loop.setTimer(at: next.until, for: self)
        return
      }
      finished.removeFirst()
      if let run = runs[next.run] { forget(run) }
    }
  }

  /// Keeps the budget; called at the end of a turn.
  func makeRoom() {
    guard occupiedBytes > budgetBytes else { return }
    while occupiedBytes > budgetBytes, let next = finished.first {
      finished.removeFirst()
      if let run = runs[next.run] { forget(run) }
    }
    // Where live readers need it all, looking again in the next turn would only cost time.
    guard occupiedBytes > budgetBytes, loop.now >= nextWalk else { return }
    nextWalk = loop.now + .milliseconds(100)
    for run in runs.values {
      note(run, run.keepOnlyUnread())
      if occupiedBytes <= budgetBytes { return }
    }
  }
}

/// A queue of finished runs, oldest first.
private struct FinishedRuns {
  private var entries: [(run: RunID, until: Instant)] = []
  private var gone = 0

  var first: (run: RunID, until: Instant)? { gone < entries.count ? entries[gone] : nil }

  mutating func append(_ run: RunID, until: Instant) { entries.append((run, until)) }

  /// Entries are removed from the array many at a time.
  mutating func removeFirst() {
    gone += 1
    guard gone >= 64, gone * 2 >= entries.count else { return }
    entries.removeFirst(gone)
    gone = 0
  }
}
