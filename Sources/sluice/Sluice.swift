import ArgumentParser
import Gateway

/// The command: one binary that serves, checks its configuration and shows itself.
@main
struct Sluice: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "A gateway for event streams between browsers and the orchestrators of chat and agent applications.",
    discussion: """
      Start with 'sluice demo' and open http://localhost:8004/ in a browser. To run it in front of your own \
      orchestrators, copy config/sluice.yaml, run 'sluice check' on it, then 'sluice serve'.
      """,
    version: version,
    subcommands: [Serve.self, Check.self, Demo.self, Load.self, Version.self])

  /// The version of this build.
  static let version = "0.1.0"
}

/// Prints the version.
struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print the version.")

  func run() {
    print("sluice \(Sluice.version)")
  }
}
