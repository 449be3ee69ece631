public import Reactor

/// What became of a claim.
public enum Claim: Sendable, Equatable {
  /// It has room at every limit, and whoever made it owns the slot.
  case admitted(Slot)
  /// It has no room at this limit, and holds nothing.
  case refused(LimitRefusal)
  /// It waits and holds nothing; ask with `due` when the moment has come, unless a notice came before.
  case waiting(WaitTicket, due: Instant)
}
