internal import CSystem
internal import Glibc

/// What a socket tells the connection that owns it.
public protocol SocketOwner: AnyObject {
  /// Bytes, the peer's end or a failure wait: `read` tells which.
  func socketReadable()
  /// A write that found the socket full may go on, or a connection attempt has its result.
  func socketWritable()
  /// The layer's handshake is over: with success, or with a failure, after which only `close` and `dropLayer` make sense.
  func handshakeEnded(_ failure: LayerFailure?)
}

extension SocketOwner {
  /// Without a layer, nothing to hear.
  public func handshakeEnded(_ failure: LayerFailure?) {}
}

/// How a read went.
public enum ReadOutcome: Equatable, Sendable {
  /// The bytes were handed over; more may wait.
  case read
  /// Nothing waits.
  case wouldBlock
  /// The peer has ended its side.
  case ended
  /// The connection is broken, e.g. reset by the peer.
  case failed(SystemError)
}

/// How a write went.
public enum WriteOutcome: Equatable, Sendable {
  /// So many bytes were taken, maybe not all.
  case wrote(Int)
  /// The socket is full.
  case wouldBlock
  /// The connection is broken, e.g. reset by the peer.
  case failed(SystemError)
}

/// A connected (or connecting) stream socket on a loop.
///
/// - Owner: its connection, which it keeps alive in turn until `close`, the one way it ends.
/// - Thread: the loop's.
/// - Bound: holds no bytes; reads pass through the loop's buffer, writes go straight to the kernel.
public final class Socket: WatchOwner {
  let loop: Loop
  let descriptor: Int32
  private(set) var watch: Watch?
  private(set) var owner: (any SocketOwner)?
  /// The layer that bytes pass through, see Socket+Layer.swift; `nil` for a plain socket.
  var passage: Passage?

  /// The open descriptor, for whoever writes to it directly, no longer than until `close` or `release`; minus one where
  /// bytes pass through a layer.
  public var plainDescriptor: Int32 { passage == nil ? descriptor : -1 }

  /// Takes over an open, non-blocking descriptor.
  public init(takingOver descriptor: Int32, on loop: Loop) {
    self.descriptor = descriptor
    self.loop = loop
  }

  deinit {
    precondition(watch == nil, "a socket is closed before it is let go")
  }

  /// Begins to report to its owner, reads included.
  public func start(for owner: any SocketOwner) {
    self.owner = owner
    let watch = Watch(descriptor, on: loop, for: self)
    self.watch = watch
    watch.watchReads()
  }

  /// Reports to another owner from now on.
  public func handOver(to owner: any SocketOwner) {
    if let former = self.owner { loop.bury(former) }
    self.owner = owner
  }

  /// Begins a connection attempt; its result is reported as writable.
  ///
  /// connect(2).
  ///
  /// - Parameters:
  ///   - address: where to.
  ///   - options: how its peer is treated.
  ///   - loop: where it reports.
  ///   - owner: to whom.
  /// - Throws: what connect(2) failed with at once; the caller tries the next address or endpoint.
  /// - Returns: the socket, already reporting to its owner.
  public static func connect(
    to address: SocketAddress, with options: SocketOptions = SocketOptions(), on loop: Loop, for owner: any SocketOwner
  ) throws(SystemError) -> Socket {
    let descriptor = try address.makeSocket()
    do throws(SystemError) {
      try address.connect(descriptor)
    } catch  where error.code != EINPROGRESS {
      Glibc.close(descriptor)
      throw error
    } catch {
      // Under way.
    }
    if !address.isUnix { options.apply(to: descriptor) }
    let socket = Socket(takingOver: descriptor, on: loop)
    socket.owner = owner
    let watch = Watch(descriptor, on: loop, for: socket)
    socket.watch = watch
    watch.awaitWrite()
    return socket
  }

  /// The result of the attempt, once writable: `nil` is success.
  ///
  /// From then on reads are reported.
  public func finishConnecting() -> SystemError? {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
      return SystemError("getsockopt")
    }
    guard code == 0 else { return SystemError("connect", code: code) }
    watch?.watchReads()
    return nil
  }

  /// Reads once, at most `Loop.readBytes`, and lends what came.
  ///
  /// read(2).
  public func read(_ consume: (Span<UInt8>) -> Void) -> ReadOutcome {
    if let passage { return read(passage, consume) }
    while true {
      let count = unsafe Glibc.read(descriptor, loop.readBuffer.baseAddress, loop.readBuffer.count)
      if count > 0 {
        guard let start = unsafe loop.readBuffer.baseAddress else { return .wouldBlock }
        unsafe consume(Span(_unsafeStart: start.assumingMemoryBound(to: UInt8.self), count: count))
        return .read
      }
      if count == 0 { return .ended }
      let error = SystemError("read")
      if error.code == EINTR { continue }
      return error.code == EAGAIN ? .wouldBlock : .failed(error)
    }
  }

  /// Whether the peer has neither ended nor sent anything.
  ///
  /// recv(2) with MSG_PEEK.
  public var isQuiet: Bool {
    var byte: UInt8 = 0
    let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    return count < 0 && errno == EAGAIN
  }

  /// Writes the loop's output vector once.
  public func writeOutput() -> WriteOutcome {
    if let passage { return writeOutput(passage) }
    return loop.output.write(to: descriptor)
  }

  /// Writes borrowed bytes once.
  ///
  /// write(2).
  public func write(_ bytes: Span<UInt8>) -> WriteOutcome {
    if let passage { return write(bytes, passage) }
    while true {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { return .wrote(count) }
      let error = SystemError("write")
      if error.code == EINTR { continue }
      return error.code == EAGAIN ? .wouldBlock : .failed(error)
    }
  }

  /// Asks for one report once the socket takes bytes again.
  public func awaitWritable() {
    passage?.ownerAwaitsWrite = true
    watch?.awaitWrite()
  }

  /// Leaves received bytes in the kernel, so that the peer is held back; its closing is still reported.
  public func pauseReads() {
    watch?.watchClose()
  }

  /// Reports reads again.
  public func resumeReads() {
    watch?.watchReads()
  }

  /// Reports neither reads nor the peer's closing.
  public func ignoreReads() {
    watch?.ignoreReads()
  }

  /// Ends this side after what was written; the peer may still send.
  ///
  /// shutdown(2).
  public func endWrites() {
    if let passage { return endWrites(passage) }
    Glibc.shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Closes at once and lets the owner go; nothing is reported afterwards.
  ///
  /// close(2).
  public func close() {
    guard let watch else { return }
    if let passage {
      sayFarewell(passage)
      loop.cancelTimer(&passage.endReport)
    }
    watch.end()
    self.watch = nil
    Glibc.close(descriptor)
    loop.bury(watch)
    loop.bury(self)
    if let owner { loop.bury(owner) }
    owner = nil
  }

  /// Ends all reports and gives the descriptor up, open, to whoever goes on with it elsewhere.
  public func release() -> Int32 {
    guard let watch else { return -1 }
    watch.end()
    self.watch = nil
    loop.bury(watch)
    loop.bury(self)
    if let owner { loop.bury(owner) }
    owner = nil
    return descriptor
  }

  func watchedReadable() {
    if let passage { return layerReadable(passage) }
    owner?.socketReadable()
  }

  func watchedWritable() {
    if let passage { return layerWritable(passage) }
    owner?.socketWritable()
  }

  /// Reads bytes before a layer begins, and takes only as many as asked for.
  ///
  /// recv(2) with MSG_PEEK, read(2).
  ///
  /// - Parameter choose: is lent what waits, and says how many bytes of it are taken.
  /// - Returns: how the read went.
  public func readSome(_ choose: (Span<UInt8>) -> Int) -> ReadOutcome {
    let buffer = unsafe loop.readBuffer
    let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    if count == 0 { return .ended }
    guard count > 0, let start = buffer.baseAddress else {
      let error = SystemError("recv")
      return error.code == EAGAIN || error.code == EINTR ? .wouldBlock : .failed(error)
    }
    let taken = unsafe choose(Span(_unsafeStart: start.assumingMemoryBound(to: UInt8.self), count: count))
    if taken > 0 { unsafe _ = Glibc.read(descriptor, buffer.baseAddress, taken) }
    return .read
  }
}

/// A socket belongs to its loop's thread.
@available(*, unavailable)
extension Socket: Sendable {}
