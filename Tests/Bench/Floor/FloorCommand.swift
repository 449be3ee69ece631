import ArgumentParser
import Reactor

/// The benchmark as one of the servers that it measures; it starts itself this way.
struct FloorCommand: ParsableCommand {
  enum Kind: String, ExpressibleByArgument {
    case broadcast, relay
  }

  static let configuration = CommandConfiguration(
    commandName: "floor", abstract: "Serve as the floor of a measurement.", shouldDisplay: false)

  @Argument(help: "What it does: broadcast a feed, or relay runs.")
  var kind: Kind

  @Option(help: "The port where it listens.")
  var port: UInt16

  @Option(help: "The orchestrator's port.")
  var upstream: UInt16

  func run() throws {
    SignalWatch.ignoreBrokenPipes()
    _ = ProcessLimits.raiseDescriptors()
    switch kind {
    case .broadcast:
      var floor = try FloorBroadcast(port: port, upstream: upstream)
      floor.run()
    case .relay:
      var floor = try FloorRelay(port: port, upstream: upstream)
      try floor.run()
    }
  }
}
