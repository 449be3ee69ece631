import Glibc
import Testing

/// A blocking loopback socket with a deadline on every read: what a test plays a client or an orchestrator with.
///
/// Unchecked: a test uses it from one thread at a time, and hands it over whole.
final class TestSocket: @unchecked Sendable {
  let descriptor: Int32
  private var received: [UInt8] = []

  struct Closed: Error {}
  struct Late: Error {}
  struct Refused: Error {}

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var time = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Connects to 127.0.0.1.
  convenience init(port: UInt16, receiveBuffer: Int32? = nil) throws {
    var result: Int32 = -1
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { if result != 0 { close(descriptor) } }
    if var size = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = Self.loopback(port)
    result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Refused() }
    self.init(descriptor)
  }

  deinit { close(descriptor) }

  static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { throw Closed() }
      sent += count
    }
  }

  /// Everything up to and with a mark; what follows stays for the next call.
  func read(through mark: String) throws -> String {
    let mark = Array(mark.utf8)
    var searched = 0
    while true {
      if let end = received.firstRange(of: mark, from: searched)?.upperBound {
        defer { received.removeFirst(end) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      searched = max(0, received.count - mark.count)
      try receive()
    }
  }

  /// So many bytes.
  func read(count: Int) throws -> String {
    while received.count < count { try receive() }
    defer { received.removeFirst(count) }
    return String(decoding: received[..<count], as: UTF8.self)
  }

  /// Everything to the peer's end, or to its reset.
  func readToEnd() throws -> String {
    while true {
      do { try receive() } catch is Closed {
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
      }
    }
  }

  /// Whether the peer ends the connection; bytes before are dropped.
  func waitForEnd() throws { _ = try readToEnd() }

  /// Whether nothing has come that was not read.
  var isQuiet: Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return received.isEmpty && poll(&waiting, 1, 0) == 0
  }

  func endWrites() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes with a reset instead of an orderly end.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    var address = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    // Dissolves the association at once; deinit closes the descriptor.
    connect(descriptor, &address, socklen_t(MemoryLayout<sockaddr>.size))
  }

  /// Whatever comes next.
  func receiveSome() throws -> [UInt8] {
    if received.isEmpty { try receive() }
    defer { received = [] }
    return received
  }

  private func receive() throws {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var count = -1
    // Where there is a deadline, a process that was stopped and goes on is interrupted, too (signal(7)).
    repeat { count = recv(descriptor, &buffer, buffer.count, 0) } while count < 0 && errno == EINTR
    if count == 0 { throw Closed() }
    if count < 0 { throw errno == EAGAIN ? Late() : Closed() as any Error }
    received += buffer[..<count]
  }
}

extension [UInt8] {
  fileprivate func firstRange(of mark: [UInt8], from first: Int) -> Range<Int>? {
    guard count - first >= mark.count else { return nil }
    for start in first...(count - mark.count)
    where self[start] == mark[0] && self[start..<start + mark.count].elementsEqual(mark) {
      return start..<start + mark.count
    }
    return nil
  }
}
