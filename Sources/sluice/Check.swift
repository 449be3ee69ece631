import ArgumentParser
import Glibc
import Reactor
import Settings

/// Says what is wrong with a configuration file, and what is risky.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what is wrong with a configuration file, and explain what is risky.",
    discussion: "Exit code 0: usable, warnings included; 66: no such file; 78: not usable.")

  @Argument(help: "The configuration file (YAML).")
  var file: String

  @Option(help: "How many clients are expected at a time: memory and descriptors are then judged, too.")
  var clients: Int?

  func run() throws {
    let settings = try ConfigurationFile.load(file)
    var surroundings = Surroundings.unknown
    surroundings.clients = clients
    surroundings.openFiles = ProcessLimits.raiseDescriptors()
    surroundings.memoryBytes = ProcessLimits.memoryBytes()
    surroundings.now = WallClock.seconds
    let warnings = settings.warnings(in: surroundings)
    for warning in warnings { print("\(file): warning: \(warning)") }
    let (routes, upstreams) = (settings.routes.count, settings.upstreams.count)
    print("\(file): ok (routes: \(routes), upstreams: \(upstreams), warnings: \(warnings.count))")
  }
}

/// Reads a configuration file for a command.
enum ConfigurationFile {
  /// The settings, or the command's end with every problem told.
  static func load(_ file: String) throws -> Settings {
    guard unsafe access(file, R_OK) == 0 else {
      Ending.complain("\(file): \(unsafe String(cString: strerror(errno)).lowercased())")
      throw Ending.noInput
    }
    do throws(SettingsError) {
      return try Settings.load(file: file)
    } catch {
      for problem in error.problems { Ending.complain("\(problem)") }
      throw Ending.configuration
    }
  }
}
