public import Logging
public import Reactor
public import Settings
internal import Streams

/// Why the gateway could not start.
public enum StartError: Error, CustomStringConvertible {
  /// A listener could not be bound.
  case listen(String, SystemError)
  /// Runs can't be kept where the settings say.
  case stateDirectory(String, SystemError)
  /// The system gave no loop, thread or descriptor.
  case system(SystemError)

  /// The address and the system's words.
  public var description: String {
    switch self {
    case .listen(let address, let error): "listen: address \(address): \(error.words)"
    case .stateDirectory(let path, let error):
      "state_directory: given \"\(path)\", which is no directory to write to: \(error.words)"
    case .system(let error): "\(error)"
    }
  }
}

/// A running gateway, as the rest of the process sees it: started, told, waited for.
///
/// - Thread: any; it talks to the worker by mailbox.
/// - Ends when: `drain` was called and the last connection is gone.
public final class Gateway: Sendable {
  /// Where it listens, in the order of the settings, with the ports that the kernel chose.
  public let addresses: [SocketAddress]
  private let mailbox: Mailbox<WorkerMessage>
  private let isDone: Locked<Bool>

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
    let sockets = try Self.bind(settings.listen, settings.clients)
    do throws(SystemError) {
      let mailbox = try Mailbox<WorkerMessage>()
      let isDone = Locked(false)
      let worker = try Worker(
        settings, sockets: sockets, assets: assets, mailbox: mailbox, resolver: Resolver(),
        records: Self.records(settings.stateDirectory.path, logger), logger: logger)
      self.mailbox = mailbox
      self.isDone = isDone
      addresses = sockets.map(\.address)
      let thread = try Thread("worker") {
        worker.run()
        isDone.change { $0 = true }
        onDrained()
      }
      thread.detach()
    } catch {
      for socket in sockets { socket.close() }
      throw .system(error)
    }
    for address in addresses { logger.info("listening", metadata: ["address": "\(address)"]) }
  }

  /// Puts new settings into force for requests from now on; listeners stay as they are.
  public func reload(_ settings: Settings) {
    mailbox.post(.reload(settings))
  }

  /// Accepts no more, lets runs finish, and ends those that have not when the time has passed.
  public func drain(within time: Duration) {
    mailbox.post(.drain(time))
  }

  /// Waits until it has drained.
  public func waitUntilDrained() {
    isDone.wait { $0 ? () : nil }
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
    guard let file = directory.map(StateFile.init(in:)) else { return [] }
    do throws(SystemError) {
      guard let contents = try file.take() else { return [] }
      if contents.isDamaged {
        logger.error(
          "state_damaged", metadata: ["file": "\(file.path)", "runs": "\(contents.records.count)"])
      }
      return contents.records
    } catch {
      logger.error("state_unreadable", metadata: ["file": "\(file.path)", "error": "\(error.words)"])
      return []
    }
  }

  private static func bind(
    _ addresses: [ListenAddress], _ clients: ClientSettings
  ) throws(StartError) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    for address in addresses {
      do throws(SystemError) {
        // A little longer than our own limit, which says in the log what happened.
        let time = clients.sendTimeout + .seconds(5)
        sockets.append(try ListeningSocket(try SocketAddress(address), unacknowledged: time))
      } catch {
        for socket in sockets { socket.close() }
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
