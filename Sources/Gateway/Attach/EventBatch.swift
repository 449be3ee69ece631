internal import Bytes
internal import Streams

/// Events of a stream on their way to another worker: whole events, one behind the other, and the ids that they show.
struct EventBatch: Sendable {
  private(set) var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var ownIDs: [[UInt8]?] = []

  /// The events of a log behind this one.
  ///
  /// - Parameters:
  ///   - log: where they lie.
  ///   - sequence: from `oldest - 1` to `newest`.
  ///   - ownID: the id that an event shows, where it is not the gateway's.
  init(of log: EventLog, after sequence: UInt64, ownID: (UInt64) -> [UInt8]?) {
    var next = sequence + 1
    while next <= log.newest {
      bytes.append(contentsOf: log.event(next))
      ends.append(bytes.count)
      ownIDs.append(ownID(next))
      next += 1
    }
  }

  /// Lends the events in order, each with its own id; `nil` where that is the gateway's.
  func lend(_ body: (Span<UInt8>, [UInt8]?) -> Void) {
    var start = 0
    for (index, end) in ends.enumerated() {
      body(bytes.span.extracting(start..<end), ownIDs[index])
      start = end
    }
  }
}
