internal import Admission
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
  private let slots: Slots
  private var turn: Int

  init(
    name: String, settings: UpstreamSettings, on loop: Loop, resolver: Resolver, registry: UpstreamRegistry,
    slots: Slots
  ) {
    self.slots = slots
    // Workers take turns of their own, and should not all begin with the same endpoint.
    turn = slots.place
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
    guard slots.table.applies(.endpoint) else { return connect(request, to: index) }
    let room = EndpointRoom(
      slots, granted: { [self] in connect(request, to: index) }, refused: { request.fail(.limited($0)) },
      evicted: { request.abort(.evicted) })
    let (isWaiting, refusal) = room.claim(for: request.subject.asking(endpoint: endpoints[index].address.authority))
    // An endpoint that has room is better than the turn of one that has none.
    if isWaiting || refusal != nil, request.attempts + 1 < endpoints.count {
      room.giveBack()
      return passOver(request, index, .unreachable("no room"))
    }
    if let refusal { return request.fail(.limited(refusal)) }
    request.leave(room)
    if !isWaiting { connect(request, to: index) }
  }

  private func connect(_ request: UpstreamRequest, to index: Int) {
    endpoints[index].send(request) { [self] failure in passOver(request, index, failure) }
  }

  private func passOver(_ request: UpstreamRequest, _ index: Int, _ failure: UpstreamFailure) {
    guard request.isWanted else { return }
    request.leave(nil)
    request.attempts += 1
    guard request.attempts < endpoints.count else { return request.fail(failure) }
    offer(request, to: (index + 1) % endpoints.count)
  }
}
