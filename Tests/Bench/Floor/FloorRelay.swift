import Glibc
import Reactor

/// The least that stands between a client and an orchestrator: what one sends, the other gets, with one send(2) a read.
///
/// Each client's connection has one to the orchestrator for life.
struct FloorRelay {
  private var epoll: Epoll
  private let listener: Int32
  private let upstreamPort: UInt16
  /// The other end of each descriptor; -1 for those that have none.
  private var ends: [Int32] = []
  private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

  /// Listens.
  init(port: UInt16, upstream: UInt16) throws(SystemError) {
    upstreamPort = upstream
    listener = try PlainSocket.listen(port: port)
    epoll = try Epoll()
    epoll.watch(listener)
  }

  /// Serves until the process is ended.
  mutating func run() throws(SystemError) {
    var found: [Int32] = []
    while true {
      epoll.wait { descriptor, _, _ in found.append(descriptor) }
      for descriptor in found {
        if descriptor == listener { try acceptAll() } else { relay(from: descriptor) }
      }
      found.removeAll(keepingCapacity: true)
    }
  }

  private mutating func acceptAll() throws(SystemError) {
    while let client = PlainSocket.accept(listener) {
      let upstream = try PlainSocket.connect(port: upstreamPort)
      while ends.count <= Int(max(client, upstream)) { ends.append(-1) }
      ends[Int(client)] = upstream
      ends[Int(upstream)] = client
      epoll.watch(client)
      epoll.watch(upstream)
    }
  }

  private mutating func relay(from descriptor: Int32) {
    // The other end may have closed both of them this turn.
    let other = ends[Int(descriptor)]
    guard other >= 0 else { return }
    switch PlainSocket.receive(descriptor, into: &buffer) {
    case .wouldBlock: return
    case .ended: close(descriptor, other)
    case .bytes(let count):
      var sent = 0
      while sent < count {
        switch PlainSocket.send(buffer.span.extracting(sent..<count), to: other) {
        case .bytes(let count): sent += count
        case .wouldBlock: Self.waitForRoom(other)
        case .ended: return close(descriptor, other)
        }
      }
    }
  }

  private mutating func close(_ descriptor: Int32, _ other: Int32) {
    ends[Int(descriptor)] = -1
    ends[Int(other)] = -1
    Glibc.close(descriptor)
    Glibc.close(other)
  }

  /// Everybody waits, for nothing is kept here.
  ///
  /// poll(2).
  private static func waitForRoom(_ descriptor: Int32) {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    unsafe _ = poll(&request, 1, -1)
  }
}
