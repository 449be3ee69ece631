internal import Glibc

/// A numeric address that a socket binds, connects to or was reached from.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
  private enum Kind: Hashable, Sendable {
    case ipv4(UInt32)
    case ipv6(UInt64, UInt64, scope: UInt32)
    case unix(String)
  }

  private let kind: Kind
  /// The port in host order, zero for a Unix socket.
  public let port: UInt16

  /// An IPv4 or IPv6 address in its textual form, without brackets; `nil` for anything else.
  ///
  /// inet_pton(3).
  public init?(numeric host: String, port: UInt16) {
    self.port = port
    var four = in_addr()
    if unsafe inet_pton(AF_INET, host, &four) == 1 {
      kind = .ipv4(UInt32(bigEndian: four.s_addr))
      return
    }
    var six = in6_addr()
    guard unsafe inet_pton(AF_INET6, host, &six) == 1 else { return nil }
    let halves = unsafe withUnsafeBytes(of: &six) { bytes in
      unsafe (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
    kind = .ipv6(UInt64(bigEndian: halves.0), UInt64(bigEndian: halves.1), scope: 0)
  }

  /// A Unix socket by its path, at most 107 bytes; `nil` for a longer one.
  ///
  /// unix(7).
  public init?(unix path: String) {
    guard path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
    kind = .unix(path)
    port = 0
  }

  /// The address that a system call wrote; `nil` for a family that is not handled.
  init?(_ storage: borrowing sockaddr_storage) {
    var copy = copy storage
    switch Int32(storage.ss_family) {
    case AF_INET:
      let address = unsafe withUnsafeBytes(of: &copy) { unsafe $0.load(as: sockaddr_in.self) }
      kind = .ipv4(UInt32(bigEndian: address.sin_addr.s_addr))
      port = UInt16(bigEndian: address.sin_port)
    case AF_INET6:
      let (halves, address) = unsafe withUnsafeBytes(of: &copy) { bytes in
        unsafe (
          (
            bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
          ), bytes.load(as: sockaddr_in6.self)
        )
      }
      kind = .ipv6(UInt64(bigEndian: halves.0), UInt64(bigEndian: halves.1), scope: address.sin6_scope_id)
      port = UInt16(bigEndian: address.sin6_port)
    case AF_UNIX:
      kind = .unix("")
      port = 0
    default:
      return nil
    }
  }

  /// The address's bytes in network order: 4 of IPv4, 16 of IPv6, none of a Unix socket.
  public var bytes: [UInt8] {
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      unsafe withUnsafeBytes(of: value.bigEndian) { unsafe Array($0) }
    }
    switch kind {
    case .ipv4(let address): return bytes(address)
    case .ipv6(let high, let low, _): return bytes(high) + bytes(low)
    case .unix: return []
    }
  }

  /// Whether this is a Unix socket.
  public var isUnix: Bool {
    if case .unix = kind { true } else { false }
  }

  /// The path of a Unix socket.
  public var path: String? {
    if case .unix(let path) = kind { path } else { nil }
  }

  /// The host alone, without port and brackets; `unix` for a Unix socket.
  public var host: String {
    switch kind {
    case .ipv4(let bits):
      return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
    case .ipv6(let high, let low, _):
      var address = in6_addr()
      unsafe withUnsafeMutableBytes(of: &address) { bytes in
        unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
        unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      let capacity = socklen_t(text.count)
      guard unsafe inet_ntop(AF_INET6, &address, &text, capacity) != nil else { return "?" }
      return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    case .unix:
      return "unix"
    }
  }

  /// `127.0.0.1:8004`, `[::1]:8004` or `unix:/path`.
  public var description: String {
    switch kind {
    case .ipv4: "\(host):\(port)"
    case .ipv6: "[\(host)]:\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  // MARK: - System calls

  var family: Int32 {
    switch kind {
    case .ipv4: AF_INET
    case .ipv6: AF_INET6
    case .unix: AF_UNIX
    }
  }

  /// A new non-blocking stream socket of this family.
  ///
  /// socket(2).
  func makeSocket() throws(SystemError) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else { throw SystemError("socket") }
    return descriptor
  }

  /// Gives a socket this address.
  ///
  /// bind(2).
  func bind(_ descriptor: Int32) throws(SystemError) {
    let result = unsafe withKernelForm { unsafe Glibc.bind(descriptor, $0, $1) }
    guard result == 0 else { throw SystemError("bind") }
  }

  /// Begins a connection to this address; a non-blocking one ends in `EINPROGRESS`.
  ///
  /// connect(2).
  func connect(_ descriptor: Int32) throws(SystemError) {
    let result = unsafe withKernelForm { unsafe Glibc.connect(descriptor, $0, $1) }
    guard result == 0 else { throw SystemError("connect") }
  }

  private func withKernelForm(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var storage = sockaddr_storage()
    let length = fill(&storage)
    return unsafe withUnsafePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
    }
  }

  private func fill(_ storage: inout sockaddr_storage) -> socklen_t {
    unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      switch kind {
      case .ipv4(let bits):
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = bits.bigEndian
        unsafe bytes.storeBytes(of: address, as: sockaddr_in.self)
        return socklen_t(MemoryLayout<sockaddr_in>.size)
      case .ipv6(let high, let low, let scope):
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_scope_id = scope
        unsafe bytes.storeBytes(of: address, as: sockaddr_in6.self)
        unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: 8, as: UInt64.self)
        unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt64.self)
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
      case .unix(let path):
        unsafe bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        for (index, byte) in path.utf8.enumerated() { unsafe bytes[2 + index] = byte }
        guard path.hasPrefix("@") else { return socklen_t(2 + path.utf8.count + 1) }
        // The abstract namespace, as systemd writes it: no file, no terminator.
        unsafe bytes[2] = 0
        return socklen_t(2 + path.utf8.count)
      }
    }
  }
}

/// Sets an integer option; options are hints here, so a kernel without one is not an error.
///
/// setsockopt(2).
func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
  var value = value
  unsafe _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
}

extension SystemError {
  /// An address that no socket can have.
  public static var invalidAddress: SystemError { SystemError("bind", code: EINVAL) }
}

extension SocketAddress {
  /// Sends one datagram to a Unix socket and forgets it.
  ///
  /// sendto(2).
  ///
  /// - Parameter bytes: the datagram.
  public func sendDatagram(_ bytes: [UInt8]) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { Glibc.close(descriptor) }
    _ = unsafe withKernelForm { address, length in
      unsafe bytes.withUnsafeBytes { unsafe Int32(sendto(descriptor, $0.baseAddress, $0.count, 0, address, length)) }
    }
  }
}
