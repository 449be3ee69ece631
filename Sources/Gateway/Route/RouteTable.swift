internal import Admission
internal import Logging
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// Everything that one set of settings makes for one worker: routes, upstreams, the limits of a connection.
///
/// - Thread: the worker's. A reload makes a new one; requests under way keep what they have of the old.
final class RouteTable {
  let router = Router()
  let limits: ConnectionLimits
  /// What makes a client the one that began a run.
  let identity: IdentitySettings
  private let upstreams: [String: Upstream]
  private var tokenGates: [TokenGate] = []
  private let loop: Loop
  private let logger: Logger?
  private var runRoutes: [String: RunRoute] = [:]
  private var feedRoutes: [String: FeedRoute] = [:]

  init(
    _ settings: Settings, assets: [Asset], on loop: Loop, resolver: Resolver, registry: UpstreamRegistry,
    slots: Slots, logger: Logger?
  ) {
    self.loop = loop
    self.logger = logger
    upstreams = settings.upstreams.reduce(into: [:]) { upstreams, entry in
      upstreams[entry.key] = Upstream(
        name: entry.key, settings: entry.value, on: loop, resolver: resolver, registry: registry,
        slots: slots)
    }
    limits = ConnectionLimits(settings)
    identity = settings.identity
    for route in settings.routes { add(route, settings.streams) }
    addTickets(settings)
    addMuxes(settings)
    let runs = "/_sluice/runs/"
    let joins = Route(
      name: "\(runs)**", action: .runs(prefix: runs.utf8.count), methods: ["GET", "HEAD", "DELETE"],
      cors: settings.cors ?? .sameOriginOnly)
    ask(settings.authentication, on: joins)
    router.add(host: nil, .prefix(runs), joins)
    for asset in Asset.clientLibrary + assets {
      let route = Route(
        name: asset.path, action: .asset(asset), methods: ["GET", "HEAD"], cors: asset.cors)
      router.add(host: nil, .exact(asset.path), route)
    }
  }

  /// Closes the upstream connections that nobody uses.
  func drain() {
    for upstream in upstreams.values { upstream.drain() }
  }

  /// What a run that was begun earlier needs of the route that it was begun on; `nil` where there is none any more.
  func runRoute(_ key: String) -> RunRoute? { runRoutes[key] }

  /// The feed route of this key; `nil` where there is none.
  func feedRoute(_ key: String) -> FeedRoute? { feedRoutes[key] }

  private func add(_ settings: RouteSettings, _ streams: StreamSettings) {
    let action: Route.Action
    let methods: [String]
    switch settings.action {
    case .run(let run):
      action = .run(runRoute(run, settings, streams))
      methods = ["GET", "HEAD", "POST"]
    case .feed(let feed):
      action = .feed(feedRoute(feed, settings, streams))
      methods = ["GET", "HEAD"]
    }
    let route = Route(
      name: settings.path.description, host: settings.host, action: action, methods: methods,
      cors: settings.cors ?? .sameOriginOnly, refusal: settings.refusal)
    ask(settings.authentication, on: route)
    switch action {
    case .run(let run): runRoutes[route.key] = run
    case .feed(let feed): feedRoutes[route.key] = feed
    case .runs, .mux, .muxes, .tickets, .asset: break
    }
    router.add(host: settings.host, settings.path, route)
  }

  private func addTickets(_ settings: Settings) {
    guard settings.tickets != nil else { return }
    let path = "/_sluice/tickets"
    let route = Route(name: path, action: .tickets, methods: ["POST"], cors: settings.cors ?? .sameOriginOnly)
    ask(settings.authentication, on: route)
    router.add(host: nil, .exact(path), route)
  }

  private func addMuxes(_ settings: Settings) {
    guard settings.mux.streams > 0 else { return }
    let (rules, path) = (MuxRules(settings), "/_sluice/mux")
    let opens = Route(
      name: path, action: .mux(rules), methods: ["GET", "HEAD"], cors: settings.cors ?? .sameOriginOnly)
    let orders = Route(
      name: "\(path)/**", action: .muxes(prefix: path.utf8.count + 1, rules), methods: ["POST", "PATCH", "DELETE"],
      cors: settings.cors ?? .sameOriginOnly)
    for route in [opens, orders] { ask(settings.authentication, on: route) }
    router.add(host: nil, .exact(path), opens)
    router.add(host: nil, .prefix("\(path)/"), orders)
  }

  /// Gives a route what it asks of clients; routes with the same settings share the keys.
  private func ask(_ settings: AuthenticationSettings?, on route: Route) {
    route.authentication = settings
    if let jwt = settings?.jwt {
      let gate = tokenGates.first { $0.settings == jwt } ?? TokenGate(jwt, now: WallClock.seconds, logger: logger)
      if !tokenGates.contains(where: { $0 === gate }) { tokenGates.append(gate) }
      route.tokens = gate
    }
    if let authorize = settings?.authorize {
      route.authorizer = Authorizer(authorize, upstream(authorize.upstream), on: loop)
    }
  }

  private func upstream(_ name: String) -> Upstream {
    guard let upstream = upstreams[name] else {
      preconditionFailure("settings name only upstreams that they have")
    }
    return upstream
  }

  private func runRoute(_ run: RunSettings, _ settings: RouteSettings, _ streams: StreamSettings) -> RunRoute {
    RunRoute(
      key: Route.key(settings.host, settings.path.description), upstream: upstream(run.upstream),
      method: Method(Array(run.method.utf8).span) ?? .post, target: Array(run.path.utf8),
      credentials: settings.credentials, answerAfter: run.answerAfter,
      terminal: TerminalRule(names: streams.terminalEvents, field: streams.terminalField),
      terminalField: streams.terminalField, rules: StreamRules(streams, settings.slowReaders),
      onAbandoned: settings.onAbandoned, backpressure: settings.backpressure, setCookie: settings.setCookie,
      refusal: settings.refusal)
  }

  private func feedRoute(_ feed: FeedSettings, _ settings: RouteSettings, _ streams: StreamSettings) -> FeedRoute {
    let path: FeedPath =
      switch (feed.path, settings.path) {
      case (.exact(let fixed), _): .fixed(Array(fixed.utf8))
      case (.prefix(let prefix), .prefix(let own)): .prefixed(Array(prefix.utf8), from: own.utf8.count)
      case (.prefix, .exact): preconditionFailure("settings allow a prefix only where the route has one")
      }
    let linger: Duration =
      switch settings.onAbandoned {
      case .cancel: .zero
      case .linger(let time): time
      case .detach: preconditionFailure("settings allow no feed to go on for ever")
      }
    return FeedRoute(
      upstream: upstream(feed.upstream), path: path, keyHeaders: feed.headers.map { Array($0.utf8) },
      isPublic: feed.isPublic, credentials: settings.credentials, answerAfter: feed.answerAfter,
      idleTimeout: feed.idleTimeout, backoff: feed.backoff.min...feed.backoff.max,
      terminalField: streams.terminalField, rules: StreamRules(streams, settings.slowReaders), linger: linger,
      refusal: settings.refusal)
  }
}
