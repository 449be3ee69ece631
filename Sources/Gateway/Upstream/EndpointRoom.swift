internal import Admission

/// A request's room at the limits of an endpoint, or its wait for one.
///
/// - Owner: the request, which gives it back at its end.
/// - Thread: the worker's.
final class EndpointRoom: SlotOwner {
  private let slots: Slots
  private var slot: Slot?
  private var ticket: WaitTicket?
  private let granted: () -> Void
  private let refused: (LimitRefusal) -> Void
  private let evicted: () -> Void

  /// - Parameters:
  ///   - slots: where it is claimed.
  ///   - granted: called when a wait is over.
  ///   - refused: called when a wait was in vain.
  ///   - evicted: called when the room is for a newer request.
  init(
    _ slots: Slots, granted: @escaping () -> Void, refused: @escaping (LimitRefusal) -> Void,
    evicted: @escaping () -> Void
  ) {
    self.slots = slots
    self.granted = granted
    self.refused = refused
    self.evicted = evicted
  }

  /// Claims room.
  ///
  /// - Parameter subject: the claimant, asking the endpoint.
  /// - Returns: `nil` where it is there, a refusal where it is not, and where it may come `granted` or `refused` say so.
  func claim(for subject: LimitSubject) -> (isWaiting: Bool, refusal: LimitRefusal?) {
    switch slots.claim(.endpoint, for: subject, by: self) {
    case .admitted(let slot):
      self.slot = slot
      return (false, nil)
    case .refused(let refusal):
      return (false, refusal)
    case .waiting(let ticket):
      self.ticket = ticket
      return (true, nil)
    }
  }

  func giveBack() {
    if let ticket { slots.abandon(ticket) }
    ticket = nil
    if let slot { slots.release(slot) }
    slot = nil
  }

  func slotGranted(_ slot: Slot) {
    ticket = nil
    self.slot = slot
    granted()
  }

  func slotRefused(_ refusal: LimitRefusal) {
    ticket = nil
    refused(refusal)
  }

  func slotEvicted(by limit: String) {
    evicted()
  }
}
