import Admission
import Logging
import Reactor
import Settings
import Testing
import Wire

@testable import Gateway

extension Worker {
  /// A worker whose loop nobody runs: what it does is asked for by hand.
  ///
  /// Messages go to its mailbox and stay there.
  static func still(
    _ settings: Settings, limits: [Limit] = [], memoryBytes: Int = 1 << 40
  ) throws -> Worker {
    let mailbox = try Mailbox<WorkerMessage>()
    let shared = Shared(
      resolver: try Resolver(), slots: SlotTable(limits: limits), quota: ConnectionQuota(.number(1000)),
      tickets: TicketTable(settings.tickets), memory: MemoryBudget(bytes: memoryBytes),
      counters: [Counters()], drained: DrainedWorkers(1))
    return try Worker(
      settings, at: 0, among: Peers([mailbox]), sockets: [], doors: [:], assets: [], mailbox: mailbox, shared: shared,
      records: [],
      logger: Logger(label: "test") { _ in TestLog() })
  }
}

extension Exchange {
  /// A request of a client on this machine.
  static func still(
    _ head: RequestHead, of worker: Worker, over transport: any ExchangeTransport
  ) throws -> Exchange {
    let peer = try #require(SocketAddress(numeric: "127.0.0.1", port: 1))
    return Exchange(head, peer: peer, clientPeer: peer.clientPeer, began: worker.loop.now, over: transport)
  }
}
