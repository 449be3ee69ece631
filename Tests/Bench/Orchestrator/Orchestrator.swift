import Bytes
import Reactor
import Wire

/// A stand-in for an orchestrator: it answers chat requests with the same events at a steady pace, and gives a feed.
///
/// - Thread: one of its own; what is shown here may be asked for anywhere.
/// - Ends when: `end` is called, once.
final class Orchestrator: Sendable {
  /// What it is told.
  enum Order: Sendable {
    /// Events of the feed go to a hub.
    case publish(SocketAddress)
    /// Events of the feed begin.
    case begin(Pace)
    /// Each reader has had so many of them.
    case progress(UInt64)
    /// No more of them.
    case stop
    /// The end of everything.
    case end
  }

  /// What it gives.
  struct Program: Sendable {
    /// The answer to every chat request.
    var script = Script(events: 54)
    /// The time from one event of a run to the next; zero sends all of them at once, in several writes.
    var interval = Duration.zero
    /// The events of the feed.
    var feedEvent = FeedEvent(bytes: 200)
  }

  /// Where it listens.
  let address: SocketAddress
  /// What has become of the feed.
  let feed: Locked<Broadcast.State>
  private let mailbox: Mailbox<Order>
  private let thread: Thread

  /// Binds a port and begins to serve.
  ///
  /// - Throws: `SystemError` where the system has no port, loop or thread.
  init(_ program: Program) throws(SystemError) {
    let mailbox = try Mailbox<Order>()
    let feed = Locked(Broadcast.State())
    let ready = Locked<Result<SocketAddress, SystemError>?>(nil)
    thread = try Thread("orchestrator") {
      do throws(SystemError) {
        // Proxies connect once for each client: too many for a table that is shared with the clients.
        try ProcessLimits.ownDescriptors()
        let (socket, loop) = (try Loopback.listen(), try Loop())
        let stage = Stage(program, feed: feed, on: loop)
        let listener = Listener(socket, on: loop, for: stage)
        let open = mailbox.open(on: loop, for: stage)
        ready.change { $0 = .success(socket.address) }
        loop.run()
        listener.close()
        open.close()
      } catch {
        ready.change { $0 = .failure(error) }
      }
    }
    switch ready.wait({ $0 }) {
    case .success(let address): self.address = address
    case .failure(let error):
      thread.join()
      throw error
    }
    (self.feed, self.mailbox) = (feed, mailbox)
  }

  /// Gives the events of the feed to a hub, by POST.
  func publish(to hub: SocketAddress) {
    mailbox.post(.publish(hub))
  }

  /// Begins to give events of the feed.
  func begin(_ pace: Pace) {
    feed.change { $0.isRunning = true }
    mailbox.post(.begin(pace))
  }

  /// Tells how many of the events since the beginning all readers have had, on average.
  func progressed(to count: UInt64) {
    mailbox.post(.progress(count))
  }

  /// Gives no more events of the feed; once the feed's state says so, its last place is final.
  func stop() {
    mailbox.post(.stop)
  }

  /// Closes all connections and waits until the thread has ended.
  func end() {
    mailbox.post(.end)
    thread.join()
  }
}

/// What the orchestrator's connections share.
///
/// - Thread: the orchestrator's.
final class Stage: ListenerOwner, MailboxOwner {
  /// What is given.
  let program: Orchestrator.Program
  /// What drives the connections.
  let loop: Loop
  /// The feed.
  let broadcast: Broadcast
  /// The head of every answer.
  let answerHead: [UInt8]
  private var connections: [ObjectIdentifier: OrchestratorConnection] = [:]

  init(_ program: Orchestrator.Program, feed: Locked<Broadcast.State>, on loop: Loop) {
    self.program = program
    self.loop = loop
    broadcast = Broadcast(program.feedEvent, state: feed, on: loop)
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", "text/event-stream")
    head.fields.append("Cache-Control", "no-cache")
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

  func received(_ messages: [Orchestrator.Order]) {
    for message in messages {
      switch message {
      case .publish(let hub): broadcast.publish(to: hub)
      case .begin(let pace): broadcast.begin(pace)
      case .progress(let count): broadcast.progressed(to: count)
      case .stop: broadcast.stop()
      case .end: end()
      }
    }
  }

  private func end() {
    broadcast.close()
    for connection in Array(connections.values) { connection.close() }
    loop.stop()
  }

  // Clients that can't be accepted find out by themselves: their runs are late.
  func acceptPaused(_ error: SystemError, on address: SocketAddress) {}
  func acceptResumed(on address: SocketAddress) {}
}
