internal import Crypto
internal import Reactor
internal import Settings

/// One address of an orchestrator: what its name means, and the connections to it that are unused.
///
/// - Thread: the worker's.
final class Endpoint: TimerOwner {
  typealias Refused = (UpstreamFailure) -> Void

  /// How long a name's addresses are used before they are looked up again.
  private static let addressLifetime = Duration.seconds(30)

  let address: EndpointAddress
  let settings: UpstreamSettings
  let loop: Loop
  private let resolver: Resolver
  let registry: UpstreamRegistry
  private let isNumeric: Bool
  private var addresses: [SocketAddress] = []
  private var resolvedAt: Instant?
  private var isResolving = false
  private var waiting: [(request: UpstreamRequest, refused: Refused)] = []
  private var unused: [UpstreamConnection] = []
  private var waitTimer: TimerID?

  init(
    _ address: EndpointAddress, settings: UpstreamSettings, on loop: Loop, resolver: Resolver,
    registry: UpstreamRegistry
  ) {
    self.address = address
    self.settings = settings
    self.loop = loop
    self.resolver = resolver
    self.registry = registry
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
    if !isNumeric, !isFresh { resolve() }
    // Addresses that were right half a minute ago are better than waiting for the resolver.
    if !addresses.isEmpty { return connect(request, refused: refused) }
    waiting.append((request, refused))
    if waitTimer == nil { waitTimer = loop.setTimer(after: settings.connectTimeout, for: self) }
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
    resolver.resolve(address.host, port: address.port, reply: registry.reply(to: self))
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
    for (request, refused) in takeWaiting() {
      if addresses.isEmpty {
        refused(.unreachable("\(address.authority): \(words)"))
      } else {
        connect(request, refused: refused)
      }
    }
  }

  /// The resolver has not answered within `connect_timeout`.
  func timerFired(_ tag: UInt8) {
    waitTimer = nil
    for (_, refused) in takeWaiting() { refused(.timeout("connect_timeout")) }
  }

  private func takeWaiting() -> [(request: UpstreamRequest, refused: Refused)] {
    loop.cancelTimer(&waitTimer)
    defer { waiting = [] }
    return waiting.filter { $0.request.isWanted }
  }

  // MARK: - Connections

  /// What the bytes of a new connection pass through; `nil` where there is none to be had.
  func makeLayer() -> (any SocketLayer)? {
    let name = settings.tls?.serverName
    return settings.tls?.client.makeSession(for: name ?? address.host, isAddress: name == nil && isNumeric)
  }

  private func connect(_ request: UpstreamRequest, refused: @escaping Refused) {
    UpstreamConnection.open(self, addresses, for: request, refused: refused)
  }
}
