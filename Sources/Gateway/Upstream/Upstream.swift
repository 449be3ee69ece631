internal import Reactor
internal import Settings
internal import Wire

/// A named pool of orchestrator endpoints, as one worker sees it.
///
/// Endpoints take turns. One that does not take the connection is passed over for that request; the next is
/// tried, each once. A request of which any byte was sent is never sent again: it may have run.
/// - Thread: the worker's.
/// - Bound: unused connections, `upstreams.*.keep_alive_connections` an endpoint.
final class Upstream {
  let name: String
  let settings: UpstreamSettings
  private let endpoints: [Endpoint]
  private var turn = 0

  init(name: String, settings: UpstreamSettings, on loop: Loop, resolver: Resolver, registry: UpstreamRegistry) {
    self.name = name
    self.settings = settings
    endpoints = settings.endpoints.map {
      Endpoint($0, settings: settings, on: loop, resolver: resolver, registry: registry)
    }
  }

  /// Sends a request to the endpoint whose turn it is.
  func send(_ request: UpstreamRequest) {
    turn = (turn + 1) % endpoints.count
    offer(request, to: turn)
  }

  /// Closes what is unused; requests under way go on.
  func drain() {
    for endpoint in endpoints { endpoint.closeUnused() }
  }

  private func offer(_ request: UpstreamRequest, to index: Int) {
    endpoints[index].send(request) { [self] failure in
      guard request.isWanted else { return }
      request.attempts += 1
      guard request.attempts < endpoints.count else { return request.fail(failure) }
      offer(request, to: (index + 1) % endpoints.count)
    }
  }
}
