internal import Reactor

/// What all upstreams of a worker share, those of replaced settings included: the way back from the resolver, and the
/// connections that are open.
///
/// - Thread: the worker's; only `post` runs on the resolver's.
final class UpstreamRegistry {
  private var waiting: [Int: Endpoint] = [:]
  private var lastTicket = 0
  private var open: [ObjectIdentifier: UpstreamConnection] = [:]
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

  /// A connection came to be.
  func opened(_ connection: UpstreamConnection) {
    open[ObjectIdentifier(connection)] = connection
  }

  /// A connection ended.
  func closed(_ connection: UpstreamConnection) {
    open[ObjectIdentifier(connection)] = nil
  }

  /// Closes every connection; the worker ends.
  func closeAll() {
    for connection in open.values { connection.close() }
  }
}
