internal import Crypto
internal import Reactor
internal import Streams

/// A client's own name for a request, by which a retry finds the run that the first attempt began.
struct IdempotencyKey: Hashable {
  let principal: Principal?
  let route: String
  let key: String

  /// The bits that say on which worker its run lives: the same for every request with this key, in every process.
  var home: UInt16 {
    var bytes = principal?.bytes ?? []
    bytes.append(contentsOf: route.utf8)
    bytes.append(0)
    bytes.append(contentsOf: key.utf8)
    return SHA256(of: bytes.span).bytes.prefix(2).reduce(0) { $0 << 8 | UInt16($1) }
  }
}

/// Every run that can still be joined: live ones, and finished ones for `streams.keep_finished`.
///
/// - Owner: the worker.
/// - Thread: the worker's.
final class RunTable: TimerOwner {
  private let loop: Loop
  private var runs: [StreamID: Run] = [:]
  private var keys: [IdempotencyKey: StreamID] = [:]
  /// Finished runs in the order in which they finished, with the moment of their end; forgotten ones are skipped.
  private var finished = FinishedRuns()
  private var expiry: TimerID?
  private let budget: Budget
  private let counters: Counters
  /// `streams.keep_finished`.
  var keepFinished: Duration

  init(on loop: Loop, within budget: Budget, _ counters: Counters, keepFinished: Duration) {
    self.loop = loop
    self.counters = counters
    self.budget = budget
    self.keepFinished = keepFinished
  }

  /// The live runs and those that are kept.
  var all: some Collection<Run> { runs.values }

  /// How many of them go on.
  private(set) var liveCount = 0

  /// A run by its name, `nil` where it is not known any more.
  func run(_ id: StreamID) -> Run? { runs[id] }

  /// The run that a key began, `nil` where there is none.
  func run(of key: IdempotencyKey) -> Run? { keys[key].flatMap { runs[$0] } }

  /// A run came to be.
  func add(_ run: Run) {
    runs[run.id] = run
    if let key = run.key { keys[key] = run.id }
    budget.add(run)
    run.isLive = !run.isFinished
    if run.isLive { liveCount += 1 }
    count()
  }

  /// A run has its terminal event: it is kept for a while.
  func finished(_ run: Run) {
    ended(run)
    finished.append(run.id, until: loop.now + keepFinished)
    if expiry == nil { expiry = loop.setTimer(after: keepFinished, for: self) }
  }

  /// A run is not to be found any more; its readers still get what is in its log.
  func forget(_ run: Run) {
    guard runs.removeValue(forKey: run.id) != nil else { return }
    if let key = run.key, keys[key] == run.id { keys[key] = nil }
    budget.remove(run)
    ended(run)
  }

  private func ended(_ run: Run) {
    if run.isLive {
      run.isLive = false
      liveCount -= 1
    }
    count()
  }

  private func count() {
    counters.liveRuns.set(liveCount)
    counters.keptRuns.set(runs.count - liveCount)
  }

  /// Ends every run; there is no reader left.
  func finishAll() {
    for run in runs.values { run.finish(.drained) }
  }

  /// How many runs are kept.
  var finishedCount: Int { runs.count }

  /// What the next process needs of each run, the newest first; made while it is asked for.
  var records: some Sequence<RunRecord> {
    finished.newestFirst.lazy.compactMap { [runs] in runs[$0]?.record }
  }

  /// Forgets every run; all have ended.
  func close() {
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

  /// Forgets the run that finished first; false where there is none.
  func forgetOldestFinished() -> Bool {
    guard let next = finished.first else { return false }
    finished.removeFirst()
    if let run = runs[next.run] { forget(run) }
    return true
  }
}

/// A queue of finished runs, oldest first.
private struct FinishedRuns {
  private var entries: [(run: StreamID, until: Instant)] = []
  private var gone = 0

  var first: (run: StreamID, until: Instant)? { gone < entries.count ? entries[gone] : nil }

  var newestFirst: some Sequence<StreamID> { entries[gone...].reversed().lazy.map(\.run) }

  mutating func append(_ run: StreamID, until: Instant) { entries.append((run, until)) }

  /// Entries are removed from the array many at a time.
  mutating func removeFirst() {
    gone += 1
    guard gone >= 64, gone * 2 >= entries.count else { return }
    entries.removeFirst(gone)
    gone = 0
  }
}
