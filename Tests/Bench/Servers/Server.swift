import Glibc
import Reactor

/// A server that clients can be sent to: a process of its own.
///
/// - Owner: the measurement, which ends it.
final class Server {
  /// Where it listens.
  let address: SocketAddress
  private let child: Child
  private let log: String

  private init(_ address: SocketAddress, _ child: Child, log: String) {
    self.address = address
    self.child = child
    self.log = log
  }

  /// Starts a program and waits until it listens.
  ///
  /// The port is chosen here, because nginx can't say which one the kernel chose and the gateway says it only where it
  /// logs. Somebody else may take it meanwhile, so that a program that ends is given another one, twice.
  ///
  /// - Parameters:
  ///   - name: what people call it.
  ///   - bench: where it runs.
  ///   - command: writes the configuration for a port and gives the command.
  /// - Returns: the server, which listens; end it.
  /// - Throws: `BenchError`; nothing is left running then.
  static func start(
    _ name: String, on bench: Workbench,
    command: (SocketAddress) throws(SystemError) -> [String]
  ) throws(BenchError) -> Server {
    let log = bench.folder.path(of: "server.log")
    for _ in 0..<3 {
      let address: SocketAddress
      let child: Child
      do throws(SystemError) {
        address = try freeAddress()
        child = try Child(bench.processors.serverCommand(command(address)), output: log)
      } catch {
        throw .system(error)
      }
      let server = Server(address, child, log: log)
      do throws(BenchError) {
        if try server.waitUntilListening(bench.signals) { return server }
      } catch {
        server.end()
        throw error
      }
      server.end()
    }
    throw .startFailed(server: name, output: lastLines(of: log))
  }

  /// Whether it still runs.
  var isRunning: Bool { child.isRunning }

  /// The last lines it wrote, each indented; empty where it wrote nothing.
  var lastLines: String { Self.lastLines(of: log) }

  /// Ends it, whatever it does.
  func end() {
    child.end()
  }

  /// Reads its processor time and memory.
  ///
  /// To be asked for once all its processes run.
  var meter: ServerMeter { ServerMeter(processes: child.family) }

  // MARK: - Start

  private static func freeAddress() throws(SystemError) -> SocketAddress {
    let socket = try Loopback.listen()
    socket.close()
    return socket.address
  }

  /// False where it has ended instead, or does not listen after ten seconds.
  private func waitUntilListening(_ signals: Signals) throws(BenchError) -> Bool {
    for _ in 0..<1000 {
      guard isRunning else { return false }
      if isListening { return true }
      try signals.pause(milliseconds: 10)
    }
    return false
  }

  /// proc(5), /proc/net/tcp: local and remote address in hexadecimal digits, then the state, of which 0A is listening.
  private var isListening: Bool {
    let port = String(address.port, radix: 16, uppercase: true)
    let padded = String(repeating: "0", count: 4 - port.utf8.count) + port
    let sockets = SystemFile.read("/proc/net/tcp")?.split(separator: "\n") ?? []
    return sockets.contains { $0.contains("0100007F:\(padded) 00000000:0000 0A") }
  }

  private static func lastLines(of log: String) -> String {
    let lines = SystemFile.read(log)?.split(separator: "\n").suffix(5) ?? []
    return lines.map { "  \($0)" }.joined(separator: "\n")
  }
}
