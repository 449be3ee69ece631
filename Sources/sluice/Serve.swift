import ArgumentParser
import Gateway
import Glibc
import Logging
import Reactor
import Settings

/// Serves what a configuration file says, until SIGTERM.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve what a configuration file says.",
    discussion: """
      SIGTERM or SIGINT: accept no more, let runs finish within drain.deadline, exit 0; a second one does not wait. \
      SIGHUP: read the file again, whole or not at all; live streams go on. \
      Exit codes: 64 usage, 66 no such file, 69 an address can't be had, 71 the system refuses, 78 configuration.
      """)

  @Option(name: .shortAndLong, help: "The configuration file (YAML).")
  var config: String

  func run() throws {
    let settings = try ConfigurationFile.load(config)
    try Daemon.run(settings, file: config)
  }
}

/// What `serve` and `demo` share: logging, and the service until its end.
enum Daemon {
  /// Runs until a signal ends it.
  static func run(
    _ settings: Settings, file: String?, assets: [Asset] = [], ready: (Service) -> Void = { _ in }
  )
    throws
  {
    let sink: LogSink
    let service: Service
    do {
      sink = try LogSink(2)
      let notifySocket = unsafe getenv("NOTIFY_SOCKET").map { unsafe String(cString: $0) }
      service = try Service(
        settings, file: file, assets: assets, logger: logger(settings.log, sink), notifySocket: notifySocket)
    } catch let error as StartError {
      Ending.complain("\(error)")
      if case .listen = error { throw Ending.unavailable }
      throw Ending.system
    } catch {
      Ending.complain("\(error)")
      throw Ending.system
    }
    ready(service)
    service.run()
    sink.flush()
  }

  private static func logger(_ settings: LogSettings, _ sink: LogSink) -> Logger {
    let level = Logger.Level(rawValue: settings.level.rawValue) ?? .info
    let format: LogFormat = settings.format == .json ? .json : .text
    return Logger(label: "sluice") { _ in LineLogHandler(sink, format: format, level: level) }
  }
}
