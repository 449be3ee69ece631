internal import Reactor
internal import Settings

/// Brings the resolver's answers to the endpoints that wait for them, through the worker's mailbox.
///
/// - Thread: the worker's; only `post` runs on the resolver's.
final class EndpointReplies {
  private var waiting: [Int: Endpoint] = [:]
  private var lastTicket = 0
  private let post: @Sendable (Int, Resolver.Answer) -> Void

  /// - Parameter post: brings an answer and its ticket to `deliver` on the loop.
  init(post: @escaping @Sendable (Int, Resolver.Answer) -> Void) {
    self.post = post
  }

  /// The way back for one question of an endpoint.
  func reply(to endpoint: Endpoint) -> @Sendable (Resolver.Answer) -> Void {
    lastTicket += 1
    waiting[lastTicket] = endpoint
    let (ticket, post) = (lastTicket, post)
    return { answer in post(ticket, answer) }
  }

  /// Hands an answer to the endpoint that asked.
  func deliver(_ answer: Resolver.Answer, for ticket: Int) {
    waiting.removeValue(forKey: ticket)?.resolved(answer)
  }
}

/// One address of an orchestrator: what its name means, and the connections to it that are unused.
///
/// - Thread: the worker's.
final class Endpoint {
  typealias Refused = (UpstreamFailure) -> Void

  /// How long a name's addresses are used before they are looked up again.
  private static let addressLifetime = Duration.seconds(30)

  let address: EndpointAddress
  let settings: UpstreamSettings
  let loop: Loop
  private let resolver: Resolver
  private let replies: EndpointReplies
  private let isNumeric: Bool
  private var addresses: [SocketAddress] = []
  private var resolvedAt: Instant?
  private var isResolving = false
  private var waiting: [(request: UpstreamRequest, refused: Refused)] = []
  private var unused: [UpstreamConnection] = []

  init(
    _ address: EndpointAddress, settings: UpstreamSettings, on loop: Loop, resolver: Resolver,
    replies: EndpointReplies
  ) {
    self.address = address
    self.settings = settings
    self.loop = loop
    self.resolver = resolver
    self.replies = replies
    let numeric = SocketAddress(numeric: address.host, port: address.port)
    isNumeric = numeric != nil
    if let numeric { addresses = [numeric] }
  }

  /// Sends a request over an unused connection or a new one.
  ///
  /// - Parameters:
  ///   - request: what to send.
  ///   - refused: called where no connection came about; nothing was sent then.
  func send(_ request: UpstreamRequest, refused: @escaping Refused) {
    while let connection = unused.popLast() {
      if connection.reuse(for: request) { return }
    }
    if isNumeric || isFresh { return connect(request, refused: refused) }
    waiting.append((request, refused))
    resolve()
  }

  /// A connection has nothing to do and may be used again.
  func keep(_ connection: UpstreamConnection) -> Bool {
    guard settings.keepAlive > .zero, unused.count < settings.keepAliveConnections else { return false }
    unused.append(connection)
    return true
  }

  /// A kept connection ended.
  func forget(_ connection: UpstreamConnection) {
    if let index = unused.lastIndex(where: { $0 === connection }) { unused.remove(at: index) }
  }

  func closeUnused() {
    let connections = unused
    unused = []
    for connection in connections { connection.close() }
  }

  // MARK: - Addresses

  private var isFresh: Bool {
    guard let resolvedAt, !addresses.isEmpty else { return false }
    return loop.now - resolvedAt < Self.addressLifetime
  }

  private func resolve() {
    guard !isResolving else { return }
    isResolving = true
    resolver.resolve(address.host, port: address.port, reply: replies.reply(to: self))
  }

  /// The resolver's answer; old addresses are kept where it knows none.
  func resolved(_ answer: Resolver.Answer) {
    isResolving = false
    var words = ""
    switch answer {
    case .success(let found):
      addresses = found
      resolvedAt = loop.now
    case .failure(let error):
      words = error.description
    }
    let requests = waiting
    waiting = []
    for (request, refused) in requests where request.isWanted {
      if addresses.isEmpty {
        refused(.unreachable("\(address.authority): \(words)"))
      } else {
        connect(request, refused: refused)
      }
    }
  }

  // MARK: - Connections

  private func connect(_ request: UpstreamRequest, refused: @escaping Refused) {
    UpstreamConnection.open(self, addresses, for: request, refused: refused)
  }
}
