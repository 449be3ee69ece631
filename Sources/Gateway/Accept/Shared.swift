internal import Admission
internal import Reactor

/// What all workers share.
struct Shared: Sendable {
  let resolver: Resolver
  let slots: SlotTable
  let quota: ConnectionQuota
  let tickets: TicketTable
  /// What all workers may hold together.
  let memory: MemoryBudget
  /// What each worker counts.
  let counters: [Counters]
  let drained: DrainedWorkers
}
