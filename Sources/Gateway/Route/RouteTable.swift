internal import Admission
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

  init(_ settings: Settings, assets: [Asset], on loop: Loop, resolver: Resolver, registry: UpstreamRegistry) {
    upstreams = settings.upstreams.reduce(into: [:]) { upstreams, entry in
      upstreams[entry.key] = Upstream(
        name: entry.key, settings: entry.value, on: loop, resolver: resolver, registry: registry)
    }
    limits = ConnectionLimits(settings)
    identity = settings.identity
    for route in settings.routes { add(route, settings.streams) }
    let runs = "/_sluice/runs/"
    router.add(
      host: nil, .prefix(runs),
      Route(
        name: "\(runs)**", action: .runs(prefix: runs.utf8.count), methods: ["GET", "HEAD", "DELETE"],
        cors: settings.cors ?? .sameOriginOnly))
    for asset in assets {
      let route = Route(
        name: asset.path, action: .asset(asset), methods: ["GET", "HEAD"], cors: .sameOriginOnly)
      router.add(host: nil, .exact(asset.path), route)
    }
  }

  /// Closes the upstream connections that nobody uses.
  func drain() {
    for upstream in upstreams.values { upstream.drain() }
  }

  private func add(_ settings: RouteSettings, _ streams: StreamSettings) {
    guard case .run(let run) = settings.action, let upstream = upstreams[run.upstream] else {
      preconditionFailure("settings name only upstreams that they have")
    }
    let action = RunRoute(
      upstream: upstream, method: Method(Array(run.method.utf8).span) ?? .post, target: Array(run.path.utf8),
      forwardsCredentials: settings.forwardCredentials, answerAfter: run.answerAfter,
      terminal: TerminalRule(names: streams.terminalEvents, field: streams.terminalField), streams: streams,
      retry: RetryTimes(milliseconds: streams.retry.min.wholeMilliseconds...streams.retry.max.wholeMilliseconds),
      logBounds: LogBounds(
        bytes: streams.log.bytes, events: streams.log.events, ageMilliseconds: streams.log.age.wholeMilliseconds),
      onAbandoned: settings.onAbandoned, identity: identity)
    let route = Route(
      name: settings.path.description, action: .run(action), methods: ["GET", "HEAD", "POST"],
      cors: settings.cors ?? .sameOriginOnly)
    router.add(host: settings.host, settings.path, route)
  }
}
