/// What a worker has to be told because of something that another one, or itself, did at the slot table.
///
/// Notices that different calls returned may overtake each other on their way to a worker. It therefore ignores what is
/// said of slots it does not own and of tickets it has given up, releases a slot that such a ticket got, and asks
/// `isEvicted` when it takes over a slot that somebody waited for.
public enum SlotNotice: Sendable, Equatable {
  /// A claim that waited is decided, or waits at another limit now.
  case decided(WaitTicket, Claim)
  /// The owner of this slot has to end and release it, because a newer one waits for its room.
  case evicted(Slot)

  /// Whom it is for.
  public var worker: Int {
    switch self {
    case .decided(let ticket, _): ticket.worker
    case .evicted(let slot): slot.worker
    }
  }

  /// The ticket it is about.
  var ticket: WaitTicket? {
    if case .decided(let ticket, _) = self { ticket } else { nil }
  }
}
