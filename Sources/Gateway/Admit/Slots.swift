internal import Admission
internal import Reactor

/// Who owns a slot, or waits for one.
protocol SlotOwner: AnyObject {
  /// The wait is over: the slot is this owner's to release.
  func slotGranted(_ slot: Slot)
  /// The wait was in vain.
  func slotRefused(_ refusal: LimitRefusal)
  /// A newer one is to have this owner's room; it ends and releases its slot.
  ///
  /// - Parameter limit: the limit that wants it so.
  func slotEvicted(by limit: String)
}

/// The slot table as one worker uses it: who of this worker owns which slot, and who waits.
///
/// What the table has to tell comes by mailbox, also where it is this worker's own doing: nobody is called back while
/// a claim or a release is under way.
/// - Owner: the worker.
/// - Thread: the worker's; the table is shared by all.
final class Slots {
  enum Outcome {
    case admitted(Slot)
    case refused(LimitRefusal)
    /// The owner hears of it, unless it gives the ticket up.
    case waiting(WaitTicket)
  }

  let table: SlotTable
  private let loop: Loop
  let place: Int
  private let peers: Peers
  private var owners: [Slot: any SlotOwner] = [:]
  private var waiting: [WaitTicket: Waiting] = [:]

  init(_ table: SlotTable, on loop: Loop, at place: Int, among peers: Peers) {
    self.table = table
    self.loop = loop
    self.place = place
    self.peers = peers
  }

  /// Claims room at every limit of a group, for an owner of this worker; `nil` for one that nobody calls back.
  func claim(_ group: LimitGroup, for subject: LimitSubject, by owner: (any SlotOwner)?) -> Outcome {
    let (claim, notices) = table.claim(group, for: subject, worker: place, at: loop.now)
    defer { send(notices) }
    switch claim {
    case .admitted(let slot):
      owners[slot] = owner
      return .admitted(slot)
    case .refused(let refusal):
      return .refused(refusal)
    case .waiting(let ticket, let due):
      if let owner { waiting[ticket] = Waiting(ticket, until: due, by: owner, of: self) }
      return .waiting(ticket)
    }
  }

  /// Another object of this worker goes on with a slot.
  func own(_ slot: Slot, _ owner: any SlotOwner) {
    owners[slot] = owner
  }

  /// Another object of this worker waits with a ticket.
  func own(_ ticket: WaitTicket, _ owner: any SlotOwner) {
    waiting[ticket]?.owner = owner
  }

  /// Gives a slot back; once for each.
  func release(_ slot: Slot) {
    owners[slot] = nil
    send(table.release(slot, at: loop.now))
  }

  /// Gives a ticket up; its owner hears nothing any more.
  func abandon(_ ticket: WaitTicket) {
    waiting.removeValue(forKey: ticket)?.end()
    // Where it was admitted a moment ago, the notice is on its way and finds nobody: the slot is released then.
    _ = table.abandon(ticket)
  }

  /// What the table tells this worker.
  func received(_ notices: [SlotNotice]) {
    for notice in notices {
      switch notice {
      case .evicted(let slot): owners[slot]?.slotEvicted(by: table.evictor(of: slot) ?? "")
      case .decided(let ticket, let claim): decided(ticket, claim)
      }
    }
  }

  /// The moment of a claim that waits has come.
  fileprivate func due(_ ticket: WaitTicket) {
    let (claim, notices) = table.due(ticket, at: loop.now)
    if let claim { decided(ticket, claim) }
    send(notices)
  }

  private func decided(_ ticket: WaitTicket, _ claim: Claim) {
    guard let claimant = waiting[ticket] else {
      // Its client has left meanwhile.
      if case .admitted(let slot) = claim { send(table.release(slot, at: loop.now)) }
      return
    }
    if case .waiting(let other, let due) = claim {
      if other != ticket {
        waiting[ticket] = nil
        waiting[other] = claimant
      }
      return claimant.wait(on: other, until: due)
    }
    waiting[ticket] = nil
    claimant.end()
    switch claim {
    case .admitted(let slot):
      owners[slot] = claimant.owner
      claimant.owner.slotGranted(slot)
      if table.isEvicted(slot) { owners[slot]?.slotEvicted(by: table.evictor(of: slot) ?? "") }
    case .refused(let refusal):
      claimant.owner.slotRefused(refusal)
    case .waiting:
      break
    }
  }

  private func send(_ notices: [SlotNotice]) {
    for notice in notices { peers.post(.slots([notice]), to: notice.worker) }
  }
}

/// A claim that waits, and the moment at which the table is to be asked about it.
private final class Waiting: TimerOwner {
  var owner: any SlotOwner
  private unowned let slots: Slots
  private let loop: Loop
  private var ticket: WaitTicket
  private var timer: TimerID?

  init(_ ticket: WaitTicket, until due: Instant, by owner: any SlotOwner, of slots: Slots) {
    self.ticket = ticket
    self.owner = owner
    self.slots = slots
    loop = slots.timers
    timer = loop.setTimer(at: due, for: self)
  }

  func wait(on ticket: WaitTicket, until due: Instant) {
    end()
    self.ticket = ticket
    timer = loop.setTimer(at: due, for: self)
  }

  func end() {
    loop.cancelTimer(&timer)
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    slots.due(ticket)
  }
}

extension Slots {
  fileprivate var timers: Loop { loop }
}
