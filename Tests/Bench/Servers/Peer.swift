import Reactor

/// What a server does in a scenario.
enum Work: String, Sendable {
  /// Every client has runs of its own.
  case chat
  /// Many read one feed.
  case feed
  /// Clients come to one feed for one event each.
  case churn
}

/// Where a server is to stand, and for whom.
struct Post {
  /// Where it listens.
  var address: SocketAddress
  /// The stand-in orchestrator behind it.
  var upstream: SocketAddress
  var work: Work
  /// How many come at a time.
  var clients: Int
  /// Where its files go.
  var folder: TemporaryFolder
}

/// A server that is measured, with the best configuration its users would give it for the work.
protocol Peer: Sendable {
  /// What people call it.
  var name: String { get }

  /// How many descriptors a client takes.
  func descriptorsPerClient(_ work: Work) -> Int

  /// Whether it can do such work.
  func serves(_ work: Work) -> Bool

  /// Whether events are published to it, and it gives them ids of its own; if not, it asks the orchestrator for them.
  var isHub: Bool { get }

  /// Where clients find the feed.
  func feedPath(_ work: Work) -> String

  /// The command that starts it, in the foreground.
  ///
  /// - Throws: `SystemError` where its configuration can't be written.
  func command(_ post: Post) throws(SystemError) -> [String]
}

extension Peer {
  func descriptorsPerClient(_ work: Work) -> Int { 2 }
  func serves(_ work: Work) -> Bool { true }
  var isHub: Bool { false }
  func feedPath(_ work: Work) -> String { "/events" }

  /// Starts it.
  ///
  /// - Returns: the server, which listens; end it.
  /// - Throws: `BenchError`; nothing is left running then.
  func start(
    _ work: Work, before upstream: SocketAddress, clients: Int, on bench: Workbench
  ) throws(BenchError) -> Server {
    try Server.start(name, on: bench) { address throws(SystemError) in
      try command(Post(address: address, upstream: upstream, work: work, clients: clients, folder: bench.folder))
    }
  }
}
