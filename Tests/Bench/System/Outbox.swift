import Bytes
import Reactor

/// What a socket has not taken yet.
///
/// - Bound: what its owner hands over before it has gone out: a request, the rest of a run, or what its owner allows of a feed.
struct Outbox {
  private var waiting: [UInt8] = []

  /// How much waits.
  var waitingBytes: Int { waiting.count }

  /// Writes at once as much as the socket takes; the rest waits until it is writable.
  ///
  /// - Throws: `SystemError` where the connection is broken; close it.
  mutating func send(_ bytes: Span<UInt8>, to socket: Socket) throws(SystemError) {
    guard waiting.isEmpty else { return waiting.append(bytes) }
    let count = try Self.write(bytes, to: socket)
    if count < bytes.count {
      waiting.append(bytes.extracting(count...))
      socket.awaitWritable()
    }
  }

  /// Goes on once the socket is writable.
  ///
  /// - Throws: `SystemError` where the connection is broken; close it.
  mutating func flush(to socket: Socket) throws(SystemError) {
    guard !waiting.isEmpty else { return }
    let count = try Self.write(waiting.span, to: socket)
    waiting.removeFirst(count)
    if !waiting.isEmpty { socket.awaitWritable() }
  }

  /// Forgets what waits.
  mutating func removeAll() {
    waiting.removeAll(keepingCapacity: true)
  }

  private static func write(_ bytes: Span<UInt8>, to socket: Socket) throws(SystemError) -> Int {
    switch socket.write(bytes) {
    case .wrote(let count): return count
    case .wouldBlock: return 0
    case .failed(let error): throw error
    }
  }
}
