internal import Streams

/// The workers with a mirror of a stream, as the stream's home sees them.
///
/// Every event crosses once for each of them, however many readers there are.
/// - Owner: the stream, on its home worker.
struct Mirrors {
  private struct Mirror {
    /// The newest event that it was sent.
    var sent: UInt64
    /// How many readers it was given.
    var readers = 0
  }

  private var mirrors: [Int: Mirror] = [:]

  var isEmpty: Bool { mirrors.isEmpty }

  var count: Int { mirrors.count }

  /// The workers.
  var places: some Collection<Int> { mirrors.keys }

  /// A worker begins a mirror with all that there is.
  mutating func add(at place: Int, having newest: UInt64) {
    mirrors[place] = Mirror(sent: newest)
  }

  /// A worker is given one more reader.
  ///
  /// - Returns: false where it has no mirror.
  mutating func give(to place: Int) -> Bool {
    guard mirrors[place] != nil else { return false }
    mirrors[place]?.readers += 1
    return true
  }

  /// Whether a worker, when it had this many readers given, had been given all.
  func hasAll(_ readers: Int, at place: Int) -> Bool { mirrors[place]?.readers == readers }

  /// A worker has no mirror any more.
  mutating func remove(at place: Int) {
    mirrors[place] = nil
  }

  /// Nobody has one any more.
  mutating func removeAll() {
    mirrors = [:]
  }

  /// Hands out what each of them lacks, one batch a call, however many events that are.
  ///
  /// - Parameters:
  ///   - log: the stream's.
  ///   - ownID: the id that an event shows, where it is not the gateway's.
  ///   - post: gets the worker, the sequence of the first event, and the batch.
  mutating func send(_ log: EventLog, ownID: (UInt64) -> [UInt8]?, _ post: (Int, UInt64, EventBatch) -> Void) {
    var batches: [UInt64: EventBatch] = [:]
    for (place, mirror) in mirrors where mirror.sent < log.newest {
      let batch = batches[mirror.sent] ?? EventBatch(of: log, after: mirror.sent, ownID: ownID)
      batches[mirror.sent] = batch
      post(place, mirror.sent + 1, batch)
      mirrors[place]?.sent = log.newest
    }
  }
}
