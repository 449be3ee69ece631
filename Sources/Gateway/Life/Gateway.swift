internal import Admission
public import Crypto
public import Logging
public import Reactor
public import Settings
internal import Streams

/// Why the gateway could not start.
public enum StartError: Error, CustomStringConvertible {
  /// A listener could not be bound.
  case listen(String, SystemError)
  /// A listener's certificates can't be used.
  case tls(String, TLSError)
  /// Runs can't be kept where the settings say.
  case stateDirectory(String, SystemError)
  /// The system gave no loop, thread or descriptor.
  case system(SystemError)

  /// The address and the system's words.
  public var description: String {
    switch self {
    case .listen(let address, let error): "listen: address \(address): \(error.words)"
    case .tls(let address, let error): "listen: address \(address): \(error)"
    case .stateDirectory(let path, let error):
      "state_directory: given \"\(path)\", which is no directory to write to: \(error.words)"
    case .system(let error): "\(error)"
    }
  }
}

/// A running gateway, as the rest of the process sees it: started, told, waited for.
///
/// - Thread: any; it talks to the workers by mailbox.
/// - Ends when: `drain` was called and the last connection is gone.
public final class Gateway: Sendable {
  /// Where it listens, in the order of the settings, with the ports that the kernel chose.
  public let addresses: [SocketAddress]
  private let mailboxes: [Mailbox<WorkerMessage>]
  private let doors: Locked<Doors>
  private let logger: Logger
  private let running: Locked<Int>
  private let shared: Shared

  /// Binds every listener, then starts to serve.
  ///
  /// - Parameters:
  ///   - settings: checked settings.
  ///   - assets: files that the gateway itself serves.
  ///   - logger: where events go.
  ///   - onDrained: called once, on the worker's thread, after the last connection.
  /// - Throws: `StartError`; nothing is left open then.
  public init(
    _ settings: Settings, assets: [Asset] = [], logger: Logger, onDrained: @escaping @Sendable () -> Void = {}
  ) throws(StartError) {
    if let directory = settings.stateDirectory.path { try Self.check(directory) }
    let count = settings.workers.count
    let sockets = try Self.bind(settings.listen.map(\.address), settings.clients, among: count)
    addresses = sockets.map { $0[0].address }
    self.logger = logger
    let doors: Doors
    do throws(StartError) {
      doors = try Self.doors(settings, at: addresses, replacing: [:])
    } catch {
      for socket in sockets.joined() { socket.close() }
      throw error
    }
    self.doors = Locked(doors)
    var mailboxes: [Mailbox<WorkerMessage>] = []
    var started = 0
    let records = Self.records(settings.stateDirectory.path, logger)
    do throws(SystemError) {
      while mailboxes.count < count { mailboxes.append(try Mailbox()) }
      let peers = Peers(mailboxes)
      let shared = Shared(
        resolver: try Resolver(), slots: SlotTable(limits: settings.limits),
        quota: ConnectionQuota(settings.clients.connections), tickets: TicketTable(settings.tickets),
        memory: MemoryBudget(bytes: settings.memory.budget.bytes(ofMemory: ProcessLimits.memoryBytes())),
        counters: (0..<count).map { _ in Counters() }, drained: DrainedWorkers(count))
      self.shared = shared
      self.mailboxes = mailboxes
      running = Locked(0)
      for (place, mailbox) in mailboxes.enumerated() {
        let worker = try Worker(
          settings, at: place, among: peers, sockets: sockets.map { $0[place] }, doors: doors,
          assets: assets, mailbox: mailbox,
          shared: shared, records: records.filter { peers.home(of: $0.id.home) == place }, logger: logger)
        try Self.start(worker, running, onDrained)
        started += 1
      }
    } catch {
      // Those that run already close what is theirs.
      for mailbox in mailboxes { mailbox.post(.drain(.zero)) }
      // What was taken up is there for the next attempt.
      if started == 0, let directory = settings.stateDirectory.path {
        _ = try? StateFile(in: directory, of: 0).write(records)
      }
      for socket in sockets.flatMap({ $0[started...] }) { socket.close() }
      throw .system(error)
    }
    for address in addresses { logger.info("listening", metadata: ["address": "\(address)"]) }
    tellExpired(settings)
  }

  /// Gives a worker its thread for life; the last to end tells.
  private static func start(
    _ worker: sending Worker, _ running: Locked<Int>, _ onDrained: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    running.change { $0 += 1 }
    let thread = try Thread("worker") {
      worker.run()
      let left = running.change { count in
        count -= 1
        return count
      }
      if left == 0 { onDrained() }
    }
    thread.detach()
  }

  /// Puts new settings into force for connections and requests from now on; where it listens stays as it is.
  ///
  /// - Parameter settings: checked settings, their listeners such as the present ones can become.
  /// - Throws: `StartError` where a listener's certificates can't be used; everything then stays as it is.
  public func reload(_ settings: Settings) throws(StartError) {
    let doors = try Self.doors(settings, at: addresses, replacing: self.doors.withLock { $0 })
    self.doors.withLock { $0 = doors }
    shared.memory.change(to: settings.memory.budget.bytes(ofMemory: ProcessLimits.memoryBytes()))
    for mailbox in mailboxes { mailbox.post(.reload(settings, doors)) }
    tellExpired(settings)
    shared.tickets.reload(settings.tickets)
    for notice in shared.slots.reload(settings.limits, at: .now) { mailboxes[notice.worker].post(.slots([notice])) }
    guard shared.quota.change(settings.clients.connections) else { return }
    for mailbox in mailboxes { mailbox.post(.accept) }
  }

  /// Accepts no more, lets runs finish, and ends those that have not when the time has passed.
  public func drain(within time: Duration) {
    for mailbox in mailboxes { mailbox.post(.drain(time)) }
  }

  /// Waits until it has drained.
  public func waitUntilDrained() {
    running.wait { $0 == 0 ? () : nil }
  }

  /// What holds at each listener.
  private static func doors(
    _ settings: Settings, at addresses: [SocketAddress], replacing old: Doors
  ) throws(StartError) -> Doors {
    var doors: Doors = [:]
    for (listener, address) in zip(settings.listen, addresses) {
      do throws(TLSError) {
        doors[address] = try Door(listener, replacing: old[address])
      } catch {
        throw .tls("\(address)", error)
      }
    }
    return doors
  }

  /// Certificates that nobody believes any more are shown all the same: who renews them sees why clients stay away.
  private func tellExpired(_ settings: Settings) {
    for (key, certificate) in settings.certificateFiles where certificate.certificate.expires < WallClock.seconds {
      logger.warning("certificate_expired", metadata: ["file": "\(certificate.certificateFile)", "key": "\(key)"])
    }
  }

  private static func check(_ directory: String) throws(StartError) {
    do throws(SystemError) {
      try StateFile.check(directory)
    } catch {
      throw .stateDirectory(directory, error)
    }
  }

  /// The runs that an earlier process has kept.
  private static func records(_ directory: String?, _ logger: Logger) -> [RunRecord] {
    guard let directory else { return [] }
    var records: [RunRecord] = []
    for file in StateFile.all(in: directory) {
      do throws(SystemError) {
        guard let contents = try file.take() else { continue }
        records += contents.records
        guard contents.isDamaged else { continue }
        logger.error("state_damaged", metadata: ["file": "\(file.path)", "runs": "\(contents.records.count)"])
      } catch {
        logger.error("state_unreadable", metadata: ["file": "\(file.path)", "error": "\(error.words)"])
      }
    }
    return records
  }

  /// Every address with a socket for each worker.
  private static func bind(
    _ addresses: [ListenAddress], _ clients: ClientSettings, among count: Int
  ) throws(StartError) -> [[ListeningSocket]] {
    var sockets: [[ListeningSocket]] = []
    for address in addresses {
      do throws(SystemError) {
        let options = SocketOptions(clients)
        sockets.append(try ListeningSocket.share(try SocketAddress(address), options: options, among: count))
      } catch {
        for socket in sockets.joined() { socket.close() }
        throw .listen("\(address)", error)
      }
    }
    return sockets
  }
}

extension SocketAddress {
  /// The address of a listener's setting.
  fileprivate init(_ setting: ListenAddress) throws(SystemError) {
    let address: SocketAddress? =
      switch setting {
      case .ipv4(let host, let port), .ipv6(let host, let port): SocketAddress(numeric: host, port: port)
      case .unix(let path): SocketAddress(unix: path)
      }
    guard let address else { throw .invalidAddress }
    self = address
  }
}

extension WorkerSettings {
  /// How many workers that is here.
  fileprivate var count: Int {
    switch self {
    case .auto: min(ProcessLimits.processors(), WorkerSettings.most)
    case .number(let number): number
    }
  }
}
