import Glibc
import Reactor

/// The calls that the floor makes, as bare as they are.
enum PlainSocket {
  /// What send(2) and recv(2) came to.
  enum Count {
    case bytes(Int)
    case wouldBlock
    case ended
  }

  /// Listens on a port of this machine.
  static func listen(port: UInt16) throws(SystemError) -> Int32 {
    let descriptor = try make(blocking: false)
    var on: Int32 = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    // Accepted connections inherit it (tcp(7)).
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    guard unsafe withLoopback(port, { unsafe bind(descriptor, $0, $1) }) == 0 else { throw SystemError("bind") }
    guard Glibc.listen(descriptor, 65535) == 0 else { throw SystemError("listen") }
    return descriptor
  }

  /// Connects to a port of this machine, and waits until it has.
  static func connect(port: UInt16) throws(SystemError) -> Int32 {
    let descriptor = try make(blocking: true)
    guard unsafe withLoopback(port, { unsafe Glibc.connect(descriptor, $0, $1) }) == 0 else {
      throw SystemError("connect")
    }
    var on: Int32 = 1
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
  }

  /// Accepts one connection, `nil` where none waits.
  static func accept(_ listener: Int32) -> Int32? {
    let descriptor = Glibc.accept(listener, nil, nil)
    guard descriptor >= 0 else { return nil }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
  }

  /// One send(2).
  static func send(_ bytes: Span<UInt8>, to descriptor: Int32) -> Count {
    let count = unsafe bytes.withUnsafeBytes { bytes in
      unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }
    return outcome(count)
  }

  /// One recv(2); what came stands at the beginning of the buffer.
  static func receive(_ descriptor: Int32, into buffer: inout [UInt8]) -> Count {
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
    return count == 0 ? .ended : outcome(count)
  }

  private static func outcome(_ count: Int) -> Count {
    if count >= 0 { return .bytes(count) }
    return errno == EAGAIN || errno == EINTR ? .wouldBlock : .ended
  }

  private static func make(blocking: Bool) throws(SystemError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | (blocking ? 0 : SOCK_NONBLOCK.rawValue))
    let descriptor = socket(AF_INET, kind, 0)
    guard descriptor >= 0 else { throw SystemError("socket") }
    return descriptor
  }

  private static func withLoopback(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe body(address, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
