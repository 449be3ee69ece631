import ArgumentParser
import Demo
import Gateway
import Glibc
import Reactor
import Settings

/// Gateway, orchestrator and chat page in one process.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the gateway with a demo orchestrator and a chat page, all on loopback.",
    discussion:
      "Open http://localhost:8004/ in a browser, or: curl -N 'http://localhost:8004/process/stream?message=hello'")

  @Option(name: .shortAndLong, help: "The gateway's port on 127.0.0.1; 0 for any.")
  var port: UInt16 = 8004

  @Option(help: "The log's level: \(LogSettings.Level.allCases.map(\.rawValue).joined(separator: ", ")).")
  var logLevel: String = LogSettings.Level.info.rawValue

  func run() throws {
    guard let level = LogSettings.Level(rawValue: logLevel) else {
      let allowed = LogSettings.Level.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--log-level: given \"\(logLevel)\", allowed: one of \(allowed)")
    }
    let orchestrator: Orchestrator
    let port: UInt16
    do throws(SystemError) {
      guard let loopback = SocketAddress(numeric: "127.0.0.1", port: 0) else { throw .invalidAddress }
      orchestrator = try Orchestrator(at: loopback)
      port = self.port == 0 ? try ListeningSocket.unusedPort(at: loopback) : self.port
    } catch {
      Ending.complain("demo orchestrator: \(error)")
      throw Ending.system
    }
    let settings = DemoSettings.make(
      port: port, orchestratorPort: orchestrator.address.port, log: LogSettings(level: level, format: .text))
    try Daemon.run(settings, file: nil, assets: ChatPage.assets + [ChatPage.places(port: port)]) { _ in
      print("The chat page is at http://localhost:\(port)/  (stop with Ctrl-C)")
      // Whoever reads it through a pipe waits for it.
      fflush(nil)
    }
  }
}
