import Bytes
import Glibc
import Reactor

/// The least that spreads a feed: every event goes to every reader with one send(2), the bytes as they came.
///
/// Nothing is parsed but the orchestrator's chunks, nothing kept but the last event and what a full socket did not take.
struct FloorBroadcast {
  /// How much may wait for a reader before it is cut off.
  private static let mostWaitingBytes = 256 * 1024
  private static let head = Array(
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
  private static let upstreamRequest = Array("GET /events HTTP/1.1\r\nHost: bench.example\r\n\r\n".utf8)
  private static let headEnd = Array("\r\n\r\n".utf8)

  private var epoll: Epoll
  private let listener: Int32
  private let upstream: Int32
  private var readers: [Int32] = []
  /// Where each descriptor stands among the readers; -1 for those that have not asked.
  private var places: [Int] = []
  private var waiting: [Int32: [UInt8]] = [:]
  private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
  private var input: [UInt8] = []
  private var isBehindHead = false
  private var latest: [UInt8] = []

  /// Listens, and asks for the feed.
  init(port: UInt16, upstream: UInt16) throws(SystemError) {
    self.upstream = try PlainSocket.connect(port: upstream)
    listener = try PlainSocket.listen(port: port)
    epoll = try Epoll()
    let request = Self.upstreamRequest
    _ = PlainSocket.send(request.span, to: self.upstream)
    epoll.watch(listener)
    epoll.watch(self.upstream)
  }

  /// Serves until the orchestrator leaves.
  mutating func run() {
    var found: [(Int32, Bool, Bool)] = []
    var isOver = false
    while !isOver {
      epoll.wait { found.append(($0, $1, $2)) }
      for (descriptor, isReadable, hasRoom) in found {
        if descriptor == upstream {
          isOver = !readUpstream()
        } else if descriptor == listener {
          acceptAll()
        } else {
          if hasRoom { flush(descriptor) }
          if isReadable { readReader(descriptor) }
        }
      }
      found.removeAll(keepingCapacity: true)
    }
  }

  private mutating func acceptAll() {
    while let descriptor = PlainSocket.accept(listener) {
      while places.count <= Int(descriptor) { places.append(-1) }
      places[Int(descriptor)] = -1
      epoll.watch(descriptor)
    }
  }

  /// The request, of which only one field matters, or the reader's end.
  private mutating func readReader(_ descriptor: Int32) {
    switch PlainSocket.receive(descriptor, into: &buffer) {
    case .wouldBlock: return
    case .ended: drop(descriptor)
    case .bytes(let count):
      guard places[Int(descriptor)] < 0 else { return }
      places[Int(descriptor)] = readers.count
      readers.append(descriptor)
      let resumes = Self.find("Last-Event-ID:", in: buffer.span.extracting(..<count))
      let answer = resumes ? Self.head + latest : Self.head
      _ = give(answer.span, to: descriptor)
    }
  }

  private mutating func readUpstream() -> Bool {
    guard case .bytes(let count) = PlainSocket.receive(upstream, into: &buffer) else { return false }
    input += buffer[..<count]
    var used = 0
    if !isBehindHead {
      guard let end = Self.index(of: "\r\n\r\n", in: input.span, from: 0) else { return true }
      isBehindHead = true
      used = end + 4
    }
    while let length = Self.chunk(in: input.span.extracting(used...)) {
      let event = [UInt8](input.span.extracting(used..<(used + length)))
      latest = event
      broadcast(event)
      used += length
    }
    input.removeFirst(used)
    return true
  }

  private mutating func broadcast(_ event: [UInt8]) {
    var index = 0
    // Whoever is dropped leaves its place to the last one.
    while index < readers.count {
      if give(event.span, to: readers[index]) { index += 1 }
    }
  }

  /// Sends; false where the reader is gone.
  private mutating func give(_ bytes: Span<UInt8>, to descriptor: Int32) -> Bool {
    if !waiting.isEmpty, waiting[descriptor] != nil { return keep(bytes, for: descriptor) }
    switch PlainSocket.send(bytes, to: descriptor) {
    case .bytes(bytes.count): return true
    case .bytes(let count): return keep(bytes.extracting(count...), for: descriptor)
    case .wouldBlock: return keep(bytes, for: descriptor)
    case .ended:
      drop(descriptor)
      return false
    }
  }

  private mutating func keep(_ bytes: Span<UInt8>, for descriptor: Int32) -> Bool {
    if waiting[descriptor] == nil { epoll.watch(descriptor, isNew: false, forRoom: true) }
    waiting[descriptor, default: []].append(bytes)
    guard waiting[descriptor, default: []].count > Self.mostWaitingBytes else { return true }
    drop(descriptor)
    return false
  }

  private mutating func flush(_ descriptor: Int32) {
    guard let bytes = waiting[descriptor] else { return }
    guard case .bytes(let count) = PlainSocket.send(bytes.span, to: descriptor) else { return }
    if count < bytes.count {
      waiting[descriptor]?.removeFirst(count)
    } else {
      waiting[descriptor] = nil
      epoll.watch(descriptor, isNew: false)
    }
  }

  private mutating func drop(_ descriptor: Int32) {
    let place = places[Int(descriptor)]
    if place >= 0 {
      let last = readers.removeLast()
      if last != descriptor {
        readers[place] = last
        places[Int(last)] = place
      }
    }
    places[Int(descriptor)] = -1
    waiting[descriptor] = nil
    Glibc.close(descriptor)
  }

  // MARK: - Bytes

  /// How long the first chunk is with all its framing; `nil` where it is not whole.
  private static func chunk(in bytes: Span<UInt8>) -> Int? {
    guard let lineEnd = bytes.firstIndex(of: ASCII.lineFeed) else { return nil }
    var length = 0
    for index in 0..<(lineEnd - 1) { length = length * 16 + (ASCII.hexDigit(bytes[index]) ?? 0) }
    let whole = lineEnd + 1 + length + 2
    return whole <= bytes.count ? whole : nil
  }

  private static func find(_ text: StaticString, in bytes: Span<UInt8>) -> Bool {
    index(of: text, in: bytes, from: 0) != nil
  }

  private static func index(of text: StaticString, in bytes: Span<UInt8>, from start: Int) -> Int? {
    let length = text.utf8CodeUnitCount
    guard bytes.count >= length else { return nil }
    return (start...(bytes.count - length)).first { bytes.extracting($0..<($0 + length)).equals(text) }
  }
}
