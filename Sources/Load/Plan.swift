internal import Reactor

/// What a test does, from its options: checked, and the same for every thread.
public struct Plan: Sendable {
  /// What a client does with its stream.
  enum Mode: String, CaseIterable, Sendable {
    /// A request ends with the stream's end or a terminal event; then comes the next.
    case chat
    /// The stream is held until the test ends.
    case subscribe
  }

  /// The share of clients that misbehave, and how.
  struct Misbehaviour: Equatable, Sendable {
    /// How many of the clients read slowly.
    var slow = 0.0
    /// How fast those read, in bytes a second.
    var slowBytesPerSecond = 1024.0
    /// How many of the clients stop reading once their stream is open, and never close.
    var halfOpen = 0.0
  }

  /// How long is waited for what.
  struct Times: Equatable, Sendable {
    /// How long the test lasts, ramp included; `nil` until all requests are done.
    var duration: Duration?
    /// Between two requests of a chat client.
    var think = Duration.zero
    /// After a refusal or an error, where the server says nothing else.
    var backoff = Duration.seconds(1)
    /// Before a reconnect, where the server has sent no `retry`.
    var reconnectDelay = Duration.seconds(3)
    /// For a connection and for the head of an answer.
    var timeout = Duration.seconds(30)
  }

  var targets: [Target]
  /// Where each target is, once names are resolved.
  var addresses: [SocketAddress] = []
  /// What stands in the Host fields.
  var domains: [Domain]
  /// Whether every URL is asked for with every domain; if not, each with its own.
  var variesHost: Bool
  /// Empty where the kernel chooses.
  var sources: [SocketAddress] = []
  var connections: Int
  var pacer: Pacer
  /// How many clients may be without an answer to their first request at a time.
  var inFlight = 256
  /// How many requests are made in all, `nil` without a bound.
  var requests: Int?
  var request: Request
  var form: AnswerForm
  var interest: Interest
  var mode: Mode
  var reconnects = false
  var reuses = true
  var misbehaviour = Misbehaviour()
  var times = Times()
  var threads = 1
  /// Whether each thread gets a descriptor table of its own.
  var ownsDescriptors = false
  var seed: UInt64 = 0
  var expectations: [Expectation] = []

  /// The names of the source addresses, for reports.
  var clientNames: [String] {
    sources.isEmpty ? ["any"] : sources.map(\.host)
  }

  /// The Host field of a domain at a target; like browsers, it leaves out only the port 80.
  func host(of domain: Int, at target: Int) -> String {
    let port = domains[domain].port ?? targets[target].port
    return port == 80 ? domains[domain].name : "\(domains[domain].name):\(port)"
  }

  /// What a client has to do with.
  func assignment(of client: Int) -> Assignment {
    guard variesHost else {
      // Each URL brings its own domain.
      let dealt = Assignment(client: client, targets: targets.count, domains: 1, sources: max(1, sources.count))
      let domain = domains.firstIndex { $0.name == targets[dealt.target].domain } ?? 0
      return dealt.with(domain: domain)
    }
    return Assignment(
      client: client, targets: targets.count, domains: domains.count, sources: max(1, sources.count))
  }

  /// How a client behaves: the shares are spread evenly over the clients' numbers, and exact.
  func conduct(of client: Int) -> Conduct {
    let halfOpen = Self.chosen(misbehaviour.halfOpen, of: client)
    guard Self.chosen(misbehaviour.halfOpen, of: client + 1) == halfOpen else { return .halfOpen }
    // The slow ones are chosen among the others.
    let share = misbehaviour.halfOpen < 1 ? misbehaviour.slow / (1 - misbehaviour.halfOpen) : 0
    let rest = client - halfOpen
    return Self.chosen(share, of: rest + 1) > Self.chosen(share, of: rest) ? .slow : .orderly
  }

  /// How many of the first so many clients a share takes.
  private static func chosen(_ share: Double, of count: Int) -> Int {
    Int((share * Double(count) + 1e-9).rounded(.down))
  }
}

/// How a client behaves.
enum Conduct: Equatable, Sendable {
  case orderly
  case slow
  case halfOpen
}

/// A host that clients come to: what a limit per domain counts by.
struct Domain: Equatable, Sendable {
  /// Lower case, without a port.
  let name: String
  /// What the Host field says; `nil` for the port of the URL.
  let port: UInt16?

  /// Reads a host with or without a port; `nil` for what no Host field can hold.
  init?(_ text: String) {
    let isLiteral = text.hasPrefix("[")
    let nameEnd = isLiteral ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":")
    let name = text[..<(nameEnd ?? text.endIndex)]
    let rest = text[name.endIndex...]
    guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else { return nil }
    guard rest.isEmpty || UInt16(rest.dropFirst()).map({ $0 > 0 }) == true else { return nil }
    self.name = name.lowercased()
    port = UInt16(rest.dropFirst())
  }
}
