internal import Reactor

// Claims that wait, and those that are told to end for them.

extension SlotLedger {
  mutating func enqueue(_ waiter: Place, at key: Place, _ now: Instant) {
    number += 1
    tickets[waiter].number = number
    stand(waiter, at: key)
    let limit = keys[key].limit
    if accounts[limit].bucket != nil {
      // Who comes from another queue can find tokens here that belong to those who wait already.
      if hasRoom(key, behind: 0, at: now) { agenda.append(key) }
    } else if accounts[limit].limit.whenFull == .evictOldest {
      makeRoom(at: key)
    }
  }

  /// Puts a claim at the end of a queue.
  mutating func stand(_ waiter: Place, at key: Place) {
    tickets[waiter].key = key
    keys[key].queue.append(waiter, in: &tickets)
    accounts[keys[key].limit].waiting += 1
  }

  private mutating func dequeue(_ waiter: Place) {
    let key = tickets[waiter].key
    keys[key].queue.remove(waiter, in: &tickets)
    accounts[keys[key].limit].waiting -= 1
  }

  /// Tells as many of the oldest slots to end as there are claims waiting at their key.
  private mutating func makeRoom(at key: Place) {
    let limit = keys[key].limit
    let needed = keys[key].held - accounts[limit].bound + keys[key].queue.count
    while keys[key].leaving < needed, keys[key].staying.first != .nowhere {
      let slot = holdings[keys[key].staying.first].slot
      accounts[limit].evicted += 1
      slots[slot].isLeaving = true
      slots[slot].evictor = accounts[limit].limit.name
      notices.append(.evicted(token(of: slot)))
      var holding = slots[slot].holdings
      while holding != .nowhere {
        let held = holdings[holding].key
        keys[held].staying.remove(holding, in: &holdings)
        keys[held].leaving += 1
        holding = holdings[holding].nextOfSlot
      }
    }
  }

  /// Serves the queues of all keys that got room, until there is no more or nobody waits.
  mutating func settle(at now: Instant) {
    var index = 0
    while index < agenda.count {
      let key = agenda[index]
      index += 1
      while keys[key].queue.count > 0, hasRoom(key, behind: 0, at: now) {
        let waiter = keys[key].queue.first
        let (claimant, ticket) = (tickets[waiter].claimant, ticket(at: waiter))
        dequeue(waiter)
        notices.append(.decided(ticket, decide(claimant, waiter: waiter, turn: key, at: now)))
      }
      if keys[key].isIdle, accounts[keys[key].limit].bucket == nil { forget(key) }
    }
    agenda.removeAll(keepingCapacity: true)
  }

  /// Decides a claim whose moment has come; `nil` if it no longer waits.
  mutating func due(_ ticket: WaitTicket, at now: Instant) -> Claim? {
    guard tickets.contains(ticket.place, generation: ticket.generation) else { return nil }
    let key = tickets[ticket.place].key
    let limit = keys[key].limit
    let deadline = tickets[ticket.place].deadline
    var due = deadline
    if let bucket = accounts[limit].bucket {
      agenda.append(key)
      settle(at: now)
      if let decided = takeDecision(of: ticket) { return decided }
      let ahead = keys[key].queue.places(in: tickets).prefix { $0 != ticket.place }.count
      due = bucket.moment(ofTokenAfter: ahead, fullAt: keys[key].fullAt, at: now)
    }
    if now < deadline, due <= deadline { return .waiting(ticket, due: due) }
    dequeue(ticket.place)
    tickets.remove(ticket.place)
    let retry = retryAfterSeconds(limit, key: key, at: now)
    return .refused(refuse(limit, .waited, retryAfterSeconds: retry))
  }

  private mutating func takeDecision(of ticket: WaitTicket) -> Claim? {
    guard case .decided(_, let claim)? = notices.last(where: { $0.ticket == ticket }) else { return nil }
    notices.removeAll { $0.ticket == ticket }
    return claim
  }

  /// Gives up a claim that waits; false if it no longer does.
  mutating func abandon(_ ticket: WaitTicket) -> Bool {
    guard tickets.contains(ticket.place, generation: ticket.generation) else { return false }
    dequeue(ticket.place)
    tickets.remove(ticket.place)
    return true
  }

  /// Decides claims anew that stand nowhere, in this order.
  mutating func decideAgain(_ waiters: [Place], at now: Instant) {
    for waiter in waiters {
      let (claimant, ticket) = (tickets[waiter].claimant, ticket(at: waiter))
      notices.append(.decided(ticket, decide(claimant, waiter: waiter, at: now)))
    }
  }
}
