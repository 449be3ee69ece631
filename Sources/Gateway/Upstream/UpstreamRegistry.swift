internal import Reactor

/// What all upstreams of a worker share, those of replaced settings included: the way back from the resolver, and the
/// connections that are open.
///
/// - Thread: the worker's; only `post` runs on the resolver's.
final class UpstreamRegistry {
  private var waiting: [Int: Endpoint] = [:]
  private var lastTicket = 0
  private var open: [ObjectIdentifier: UpstreamConnection] = [:]
  private let memory: MemoryAccount
  private let counters: Counters
  private let post: @Sendable (Int, Resolver.Answer) -> Void

  /// - Parameters:
  ///   - memory: what connections count for.
  ///   - counters: where they are counted.
  ///   - post: brings an answer and its ticket to `deliver` on the loop.
  init(_ memory: MemoryAccount, _ counters: Counters, post: @escaping @Sendable (Int, Resolver.Answer) -> Void) {
    self.memory = memory
    self.counters = counters
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
    memory.add(MemoryCost.upstreamConnection, to: .connections)
    counters.upstreamConnections.set(open.count)
  }

  /// A connection holds more or fewer bytes that wait for its upstream, or for the rest of an event.
  func holds(_ difference: Int) {
    memory.add(difference, to: .upstreams)
  }

  /// A connection ended.
  func closed(_ connection: UpstreamConnection) {
    guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
    memory.add(-MemoryCost.upstreamConnection, to: .connections)
    counters.upstreamConnections.set(open.count)
  }

  /// Closes every connection; the worker ends.
  func closeAll() {
    for connection in open.values { connection.close() }
  }
}
