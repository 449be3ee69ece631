import Bytes
import Reactor
import Wire

/// A stand-in for an orchestrator: it answers every request with the same events at a steady pace.
///
/// - Thread: one of its own; what is shown here may be asked for anywhere.
/// - Ends when: `end` is called, once.
final class Orchestrator: Sendable {
  /// Where it listens.
  let address: SocketAddress
  /// Reads the processor time of its thread.
  let meter: CPUMeter
  private let mailbox: Mailbox<Void>
  private let thread: Thread

  /// Binds a port and begins to serve.
  ///
  /// - Parameters:
  ///   - script: what it answers.
  ///   - interval: the time from one event to the next; zero sends all of them at once, in several writes.
  /// - Throws: `SystemError` where the system has no port, loop or thread.
  init(_ script: Script, every interval: Duration) throws(SystemError) {
    let socket = try Loopback.listen()
    let mailbox: Mailbox<Void>
    let loop: Loop
    do throws(SystemError) {
      mailbox = try Mailbox()
      loop = try Loop()
    } catch {
      socket.close()
      throw error
    }
    address = socket.address
    self.mailbox = mailbox
    let ready = Locked<CPUMeter?>(nil)
    thread = try Thread("orchestrator") {
      let stage = Stage(script, every: interval, on: loop)
      let listener = Listener(socket, on: loop, for: stage)
      let open = mailbox.open(on: loop, for: stage)
      ready.change { $0 = CPUMeter.ownThread() }
      loop.run()
      listener.close()
      open.close()
    }
    meter = ready.wait { $0 }
  }

  /// Closes all connections and waits until the thread has ended.
  func end() {
    mailbox.post(())
    thread.join()
  }
}

/// What the orchestrator's connections share.
///
/// - Thread: the orchestrator's.
final class Stage: ListenerOwner, MailboxOwner {
  /// What is answered.
  let script: Script
  /// The time from one event to the next.
  let interval: Duration
  /// What drives the connections.
  let loop: Loop
  /// The head of every answer.
  let answerHead: [UInt8]
  private var connections: [ObjectIdentifier: OrchestratorConnection] = [:]

  init(_ script: Script, every interval: Duration, on loop: Loop) {
    self.script = script
    self.interval = interval
    self.loop = loop
    var head = ResponseHead(status: 200)
    // What many orchestrators call their stream of events.
    head.fields.append("Content-Type", "text/plain; charset=utf-8")
    var bytes: [UInt8] = []
    HTTP1Encoder.append(head, framing: .chunked, keepAlive: true, version: .http11, to: &bytes)
    answerHead = bytes
  }

  func accepted(_ descriptor: Int32, from peer: SocketAddress, on address: SocketAddress) {
    let connection = OrchestratorConnection(takingOver: descriptor, on: self)
    connections[ObjectIdentifier(connection)] = connection
  }

  /// Forgets a connection that has closed.
  func left(_ connection: OrchestratorConnection) {
    connections[ObjectIdentifier(connection)] = nil
  }

  /// The only message there is: the end.
  func received(_ messages: [Void]) {
    for connection in Array(connections.values) { connection.close() }
    loop.stop()
  }

  // Clients that can't be accepted find out by themselves: their runs are late.
  func acceptPaused(_ error: SystemError, on address: SocketAddress) {}
  func acceptResumed(on address: SocketAddress) {}
}
