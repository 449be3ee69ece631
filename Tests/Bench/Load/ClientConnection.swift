import Bytes
import Reactor
import Wire

/// What a connection tells the client whose it is.
protocol ClientConnectionOwner: AnyObject {
  /// It has been made: the time to ask.
  func connected()
  /// An event has come; throws where it is not the right one.
  func take(_ event: StreamEvent, at now: Instant) throws(RunDefect)
  /// Something has come and was taken: the answer may have begun or ended.
  func progressed()
  /// It is of no use any more; close it.
  func failed(_ defect: RunDefect)
}

/// A client's connection: one request after another, each with an answer that is decoded as it arrives.
///
/// - Owner: its client, until `close`.
/// - Thread: the clients'.
final class ClientConnection: SocketOwner {
  /// The answer to the last request.
  private(set) var answer = Answer()
  private var owner: (any ClientConnectionOwner)?
  private var socket: Socket?
  private var probe: PeerProbe?
  private var outbox = Outbox()
  private var isConnecting = true
  private var events = 0

  /// Begins to connect.
  ///
  /// - Parameters:
  ///   - address: where to.
  ///   - number: chooses the address to connect from.
  ///   - loop: its thread's.
  ///   - owner: the client.
  /// - Throws: `SystemError` where the system can't even begin.
  init(
    to address: SocketAddress, from number: Int, on loop: Loop, for owner: any ClientConnectionOwner
  ) throws(SystemError) {
    self.owner = owner
    let client = ClientSocket(source: Loopback.source(number))
    let made = try client.connect(to: address, on: loop, for: self)
    (socket, probe) = (made.socket, made.probe)
  }

  /// Whether the server has closed it, although nobody reads.
  var hasPeerLeft: Bool { probe?.hasPeerLeft ?? false }

  /// Sends a request, whose answer is the next one.
  func ask(_ request: [UInt8]) {
    guard let socket else { return }
    (answer, events) = (Answer(), 0)
    do throws(SystemError) {
      try outbox.send(request.span, to: socket)
    } catch {
      owner?.failed(.broken(error))
    }
  }

  /// Leaves what comes in the kernel for good.
  func ignoreReads() {
    socket?.ignoreReads()
  }

  /// Closes; nothing is told any more.
  func close() {
    owner = nil
    probe = nil
    socket?.close()
    socket = nil
  }

  func socketWritable() {
    guard let socket else { return }
    if isConnecting {
      isConnecting = false
      if let error = socket.finishConnecting() {
        owner?.failed(.unreachable(error))
      } else {
        owner?.connected()
      }
      return
    }
    do throws(SystemError) {
      try outbox.flush(to: socket)
    } catch {
      owner?.failed(.broken(error))
    }
  }

  func socketReadable() {
    guard let socket else { return }
    var defect: RunDefect?
    let outcome = socket.read { bytes in
      let now = Instant.now
      do throws(RunDefect) {
        try answer.receive(bytes) { event throws(RunDefect) in
          try owner?.take(event, at: now)
          events += 1
        }
      } catch {
        defect = error
      }
    }
    if let defect { return failed(defect) }
    switch outcome {
    case .read: owner?.progressed()
    case .wouldBlock: return
    case .ended: failed(.cut(after: events))
    case .failed(let error): failed(isConnecting ? .unreachable(error) : .broken(error))
    }
  }

  private func failed(_ defect: RunDefect) {
    owner?.failed(defect)
  }
}
