internal import Reactor
internal import Streams

/// What all streams of a worker may hold together: `streams.budget`, and less where `memory.budget` is tight.
///
/// What gives way first: finished runs, the oldest first; then what every reader of a live stream has already had.
/// What a reader still has to get never gives way here.
/// - Owner: the worker.
/// - Thread: the worker's.
final class Budget {
  /// About what a stream costs beside its log: its objects and its places in the tables.
  static let streamBytes = 1024

  private let loop: Loop
  private let counters: Counters
  private let memory: MemoryAccount
  private(set) var occupiedBytes = 0
  private var nextWalk = Instant(nanoseconds: 0)
  /// `streams.budget`.
  var limitBytes: Int

  init(on loop: Loop, _ counters: Counters, _ memory: MemoryAccount, limitBytes: Int) {
    self.loop = loop
    self.memory = memory
    self.counters = counters
    self.limitBytes = limitBytes
  }

  var isExceeded: Bool { occupiedBytes > limitBytes || memory.isTight }

  /// A stream came to be.
  func add(_ stream: Stream) {
    stream.isKept = true
    set(stream, to: stream.occupiedBytes + Self.streamBytes)
  }

  /// A stream's log has grown or shrunk.
  func account(_ stream: Stream) {
    // One that was forgotten lives only as long as its readers.
    guard stream.accountedBytes > 0 else { return }
    set(stream, to: stream.occupiedBytes + Self.streamBytes)
  }

  /// A stream is not kept any more; what its readers still have to get counts until they have left.
  func remove(_ stream: Stream) {
    stream.isKept = false
    if stream.readers.isEmpty { set(stream, to: 0) }
  }

  /// Keeps the bound; called at the end of a turn.
  func makeRoom(_ runs: RunTable, _ feeds: FeedTable, _ mirrors: MirrorTable, _ muxes: MuxTable) {
    guard isExceeded else { return }
    while isExceeded, runs.forgetOldestFinished() {}
    // Where live readers need it all, looking again in the next turn would only cost time.
    guard isExceeded, loop.now >= nextWalk else { return }
    nextWalk = loop.now + .milliseconds(100)
    for run in runs.all where !keepOnlyUnread(run) { return }
    for feed in feeds.all where !keepOnlyUnread(feed) { return }
    for mirror in mirrors.all where !keepOnlyUnread(mirror) { return }
    for mux in muxes.all where !keepOnlyUnread(mux) { return }
  }

  /// Takes what a stream has for readers that come later; false once there is room.
  private func keepOnlyUnread(_ stream: Stream) -> Bool {
    stream.keepOnlyUnread()
    account(stream)
    return isExceeded
  }

  /// What a stream counts for in `memory.budget`: its first segment from the beginning, or many that begin together
  /// would be beyond it with their first events.
  private static func reserved(_ bytes: Int) -> Int {
    bytes == 0 ? 0 : max(bytes, streamBytes + EventLog.firstSegmentBytes)
  }

  private func set(_ stream: Stream, to bytes: Int) {
    guard bytes != stream.accountedBytes else { return }
    occupiedBytes += bytes - stream.accountedBytes
    memory.add(Self.reserved(bytes) - Self.reserved(stream.accountedBytes), to: .logs)
    counters.logBytes.set(occupiedBytes)
    stream.accountedBytes = bytes
  }
}
