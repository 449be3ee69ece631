internal import Admission
internal import Reactor
internal import Settings

/// What reaches a worker from other threads.
enum WorkerMessage: Sendable {
  /// Settings that were checked whole; they hold for what begins from now on.
  case reload(Settings, Doors)
  /// Accept no more; end what is left when the time has passed.
  case drain(Duration)
  /// The resolver's answer for the endpoint that holds the ticket.
  case resolved(ticket: Int, Resolver.Answer)
  /// A connection whose request is for a run that lives here.
  case adopt(MovedConnection)
  /// What another worker tells of a feed.
  case feed(FeedKey, FeedMessage)
  /// What another worker tells of a run.
  case run(RunMessage)
  /// What the slot table tells.
  case slots([SlotNotice])
  /// Memory is short: what is kept for later gives way, at the end of the turn that this begins.
  case makeRoom
  /// Every worker has drained.
  case stop
  /// Connections have ended: there is room for those that wait in the kernel.
  case accept
}
