internal import CSystem
internal import Glibc

/// A bound, listening socket that no loop serves yet.
///
/// Bound on the thread that starts the process, so that a failure stops the start; then handed to a worker.
public struct ListeningSocket: Sendable {
  let descriptor: Int32
  /// The address it is reached by, with the port that the kernel chose where zero was asked for.
  public let address: SocketAddress

  /// Binds and listens.
  ///
  /// socket(2), bind(2), listen(2).
  ///
  /// Options set here are inherited by every accepted connection (tcp(7)), which therefore costs no call of
  /// its own.
  /// A Unix socket's file left by a process that has ended is replaced; one in use is not.
  ///
  /// - Parameters:
  ///   - address: where to listen.
  ///   - options: how clients are treated.
  ///   - isShared: whether further sockets of this process will listen on the address (SO_REUSEPORT).
  /// - Throws: `SystemError`, e.g. the address is in use; the start ends with its words.
  public init(
    _ address: SocketAddress, options: SocketOptions = SocketOptions(), isShared: Bool = false
  ) throws(SystemError) {
    descriptor = try address.makeSocket()
    do throws(SystemError) {
      self.address = try Self.listen(descriptor, at: address, options, isShared: isShared)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// A port that nobody has at the moment, for what must know it before anybody listens there.
  ///
  /// - Parameter address: where; its own port does not matter.
  /// - Throws: `SystemError` where the address is none of this machine's.
  /// - Returns: the port; somebody else may take it before the caller does.
  public static func unusedPort(at address: SocketAddress) throws(SystemError) -> UInt16 {
    let socket = try ListeningSocket(address)
    Glibc.close(socket.descriptor)
    return socket.address.port
  }

  /// One socket for each of several loops, among which the kernel spreads the clients.
  ///
  /// socket(7), SO_REUSEPORT. A Unix socket is one for all of them, since the kernel spreads no such clients: whichever
  /// loop is awake first takes the next.
  ///
  /// - Parameters:
  ///   - address: where to listen.
  ///   - options: as above.
  ///   - count: how many loops.
  /// - Throws: `SystemError`, e.g. another process has the address, also where it would share it; nothing is left open.
  /// - Returns: as many sockets, on one address and port.
  public static func share(
    _ address: SocketAddress, options: SocketOptions, among count: Int
  ) throws(SystemError) -> [ListeningSocket] {
    if count > 1, !address.isUnix, address.port != 0 {
      // The kernel would let two gateways of one user share the port, and clients would meet either.
      let probe = try address.makeSocket()
      defer { Glibc.close(probe) }
      setOption(probe, SOL_SOCKET, SO_REUSEADDR, 1)
      if address.family == AF_INET6 { setOption(probe, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
      try address.bind(probe)
    }
    let first = try ListeningSocket(address, options: options, isShared: count > 1)
    var sockets = [first]
    do throws(SystemError) {
      while sockets.count < count { sockets.append(try first.another(options)) }
    } catch {
      for socket in sockets { socket.close() }
      throw error
    }
    return sockets
  }

  private func another(_ options: SocketOptions) throws(SystemError) -> ListeningSocket {
    guard address.isUnix else { return try ListeningSocket(address, options: options, isShared: true) }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw SystemError("fcntl") }
    return ListeningSocket(descriptor: copy, address: address)
  }

  private init(descriptor: Int32, address: SocketAddress) {
    self.descriptor = descriptor
    self.address = address
  }

  /// Closes it without having served; a Unix socket's file is removed.
  public func close() {
    Glibc.close(descriptor)
    if let path = address.path { unsafe _ = unlink(path) }
  }

  private static func listen(
    _ descriptor: Int32, at address: SocketAddress, _ options: SocketOptions, isShared: Bool
  ) throws(SystemError) -> SocketAddress {
    if let path = address.path {
      try removeAbandoned(path, address)
    } else {
      setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
      if isShared { setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
      options.apply(to: descriptor)
      if address.family == AF_INET6 { setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
    }
    try address.bind(descriptor)
    guard Glibc.listen(descriptor, 65_535) == 0 else { throw SystemError("listen") }
    if address.isUnix { return address }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &length)
      }
    }
    guard result == 0, let bound = SocketAddress(storage) else { throw SystemError("getsockname") }
    return bound
  }

  private static func removeAbandoned(_ path: String, _ address: SocketAddress) throws(SystemError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    let probe = try address.makeSocket()
    defer { Glibc.close(probe) }
    do throws(SystemError) {
      try address.connect(probe)
    } catch  where error.code == ECONNREFUSED {
      unsafe _ = unlink(path)
    } catch {
      // Somebody serves it: bind(2) will say so.
    }
  }
}

/// What a listener tells.
public protocol ListenerOwner: AnyObject {
  /// Whether one more client may be accepted; where not, `resume` goes on.
  ///
  /// Where it may, the owner counts it already; `acceptedNone` takes that back.
  func mayAccept() -> Bool
  /// There was no client after all.
  func acceptedNone()
  /// A client connected. The descriptor, non-blocking, is the owner's now.
  func accepted(_ descriptor: Int32, from peer: SocketAddress, on address: SocketAddress)
  /// No client can be accepted until the system has room again; told once a shortage.
  func acceptPaused(_ error: SystemError, on address: SocketAddress)
  /// The shortage is over.
  func acceptResumed(on address: SocketAddress)
}

extension ListenerOwner {
  /// Without a bound of one's own, always.
  public func mayAccept() -> Bool { true }

  /// Without a bound, nothing is to be taken back.
  public func acceptedNone() {}
}

/// Accepts clients on a loop.
///
/// Where the system runs out (descriptors, memory), it pauses and tries again after 100 ms, then twice as long
/// up to 1.6 s; clients wait in the kernel's backlog.
/// - Bound: 64 clients a turn, so that those already here get their turn.
public final class Listener: WatchOwner, TimerOwner {
  private static let acceptsEachTurn = 64
  private let socket: ListeningSocket
  private let loop: Loop
  private var owner: (any ListenerOwner)?
  private var watch: Watch?
  private var retry: TimerID?
  private var pause = Duration.zero
  /// Whether it waits for its owner to have room.
  private var isHeld = false

  /// Begins to accept.
  ///
  /// The owner is kept alive until `close`.
  public init(_ socket: ListeningSocket, on loop: Loop, for owner: any ListenerOwner) {
    self.socket = socket
    self.loop = loop
    self.owner = owner
    let watch = Watch(socket.descriptor, on: loop, for: self)
    self.watch = watch
    watch.watchReads()
  }

  /// Where it listens.
  public var address: SocketAddress { socket.address }

  /// Treats clients that come from now on so; those that are here keep what they came with.
  public func change(_ options: SocketOptions) {
    if !address.isUnix { options.apply(to: socket.descriptor) }
  }

  /// Goes on after the owner had no room for more.
  public func resume() {
    guard isHeld else { return }
    isHeld = false
    watch?.watchReads()
  }

  /// Stops accepting for good.
  public func close() {
    guard let watch else { return }
    loop.cancelTimer(&retry)
    watch.end()
    loop.bury(watch)
    self.watch = nil
    owner = nil
    socket.close()
  }

  func watchedReadable() {
    for _ in 0..<Self.acceptsEachTurn {
      guard watch != nil else { return }
      guard owner?.mayAccept() == true else {
        // The kernel's backlog is the queue.
        watch?.ignoreReads()
        isHeld = true
        return
      }
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let client = unsafe withUnsafeMutablePointer(to: &storage) { peer in
        unsafe csystem_accept(socket.descriptor, peer, &length)
      }
      if client < 0 {
        owner?.acceptedNone()
        failed(SystemError("accept4"))
        return
      }
      if pause > .zero {
        pause = .zero
        owner?.acceptResumed(on: address)
      }
      owner?.accepted(client, from: SocketAddress(storage) ?? address, on: address)
    }
  }

  func watchedWritable() {}

  /// Tries again after a shortage.
  public func timerFired(_ tag: UInt8) {
    retry = nil
    watch?.watchReads()
  }

  private func failed(_ error: SystemError) {
    switch error.code {
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      let isFirst = pause == .zero
      pause = isFirst ? .milliseconds(100) : min(pause * 2, .milliseconds(1600))
      watch?.ignoreReads()
      retry = loop.setTimer(after: pause, for: self)
      if isFirst { owner?.acceptPaused(error, on: address) }
    default:
      // EAGAIN, or a client that left before it was accepted (accept(2), "Error handling").
      return
    }
  }
}
