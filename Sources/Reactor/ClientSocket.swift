internal import CSystem
internal import Glibc

/// How a client's socket is made, where the kernel's choice won't do.
public struct ClientSocket: Sendable {
  /// The address to connect from, port zero for any; `nil` for the kernel's choice.
  public var source: SocketAddress?
  /// How many bytes the kernel keeps unread (SO_RCVBUF), `nil` for its own choice; a small buffer makes a slow reader
  /// be felt by the server.
  public var receiveBufferBytes: Int32?

  /// A socket as the kernel makes it.
  public init(source: SocketAddress? = nil, receiveBufferBytes: Int32? = nil) {
    self.source = source
    self.receiveBufferBytes = receiveBufferBytes
  }

  /// Begins a connection attempt; its result is reported as writable.
  ///
  /// Unlike `Socket.connect` it watches reads from the start, so a failed attempt may be reported as readable first.
  ///
  /// bind(2), connect(2). The port is chosen when connecting (ip(7), IP_BIND_ADDRESS_NO_PORT), so that a port is free
  /// again for every other destination.
  ///
  /// - Throws: what a call failed with at once: EADDRNOTAVAIL where no local port is left, EMFILE where no descriptor.
  /// - Returns: the socket, already reporting to its owner, and a probe to ask it without reading.
  public func connect(
    to address: SocketAddress, on loop: Loop, for owner: any SocketOwner
  ) throws(SystemError) -> (socket: Socket, probe: PeerProbe) {
    let descriptor = try address.makeSocket()
    do throws(SystemError) {
      if let receiveBufferBytes { setOption(descriptor, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes) }
      if let source {
        setOption(descriptor, Int32(IPPROTO_IP), Self.bindAddressNoPort, 1)
        try source.bind(descriptor)
      }
      try address.connect(descriptor)
    } catch  where error.code != EINPROGRESS {
      Glibc.close(descriptor)
      throw error
    } catch {
      // Under way.
    }
    if !address.isUnix { SocketOptions().apply(to: descriptor) }
    let socket = Socket(takingOver: descriptor, on: loop)
    socket.start(for: owner)
    socket.awaitWritable()
    return (socket, PeerProbe(descriptor: descriptor))
  }

  /// Whether this host can connect from the source address; binds a socket that is thrown away.
  ///
  /// - Throws: what bind(2) fails with: EADDRNOTAVAIL where the address is not one of this host's.
  public func checkSource() throws(SystemError) {
    guard let source else { return }
    let descriptor = try source.makeSocket()
    defer { Glibc.close(descriptor) }
    setOption(descriptor, Int32(IPPROTO_IP), Self.bindAddressNoPort, 1)
    try source.bind(descriptor)
  }

  /// IP_BIND_ADDRESS_NO_PORT of linux/in.h, which Glibc's module leaves out.
  private static let bindAddressNoPort: Int32 = 24
}

/// Asks a connected socket without reading from it.
///
/// - Ends when: its socket is closed; the number may then be another socket's.
public struct PeerProbe: Sendable {
  let descriptor: Int32

  /// Whether the peer has closed or reset the connection, whatever waits unread.
  ///
  /// poll(2) with POLLRDHUP.
  public var hasPeerLeft: Bool {
    // POLLRDHUP of poll.h, a GNU extension.
    let readHangUp: Int16 = 0x2000
    var request = pollfd(fd: descriptor, events: readHangUp, revents: 0)
    let count = unsafe poll(&request, 1, 0)
    return count > 0 && request.revents & (readHangUp | Int16(POLLHUP) | Int16(POLLERR)) != 0
  }
}

extension ProcessLimits {
  /// Gives the calling thread a descriptor table of its own, so that the limit of open descriptors counts for it alone.
  ///
  /// Descriptors that are open stay open in both. unshare(2) with CLONE_FILES, which needs no privilege.
  ///
  /// - Throws: `SystemError` where the kernel has no memory for it; the thread then goes on sharing.
  public static func ownDescriptors() throws(SystemError) {
    guard csystem_own_descriptors() == 0 else { throw SystemError("unshare") }
  }
}
