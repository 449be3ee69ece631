// Counting everything again, the slow way.

extension SlotLedger {
  /// What does not add up, in words; `nil` if all of it does.
  func imbalance() -> String? {
    imbalanceOfTotals() ?? accounts.indices.lazy.compactMap { imbalance(of: $0) }.first
      ?? keys.places.lazy.compactMap { imbalance(at: $0) }.first
  }

  private func imbalanceOfTotals() -> String? {
    for group in LimitGroup.allCases {
      let count = slots.places.count { slots[$0].claimant.group == group }
      if open[group.rawValue] != count { return "\(open[group.rawValue]) open slots of \(group), \(count) there" }
    }
    let keyCount = accounts.reduce(0) { $0 + $1.keys.count }
    if keys.count != keyCount { return "\(keys.count) keys, \(keyCount) known" }
    let holdingCount = keys.places.reduce(0) { $0 + keys[$1].held }
    if holdings.count != holdingCount { return "\(holdings.count) holdings, \(holdingCount) counted" }
    let waitingCount = accounts.reduce(0) { $0 + $1.waiting }
    if tickets.count != waitingCount { return "\(tickets.count) tickets, \(waitingCount) waiting" }
    return nil
  }

  private func imbalance(of limit: Int) -> String? {
    let account = accounts[limit]
    let own = keys.places.filter { keys[$0].limit == limit }
    let held = own.reduce(0) { $0 + keys[$1].held }
    let waiting = own.reduce(0) { $0 + keys[$1].queue.count }
    // Every slot of the group counts for every limit that counts slots.
    let open = account.bucket == nil ? open[account.limit.group.rawValue] : 0
    if account.held != held || held != open {
      return "\(account.limit.name): \(account.held) held, \(held) counted, \(open) open"
    }
    if account.waiting != waiting { return "\(account.limit.name): \(account.waiting) waiting, \(waiting) counted" }
    return nil
  }

  private func imbalance(at key: Place) -> String? {
    let entry = keys[key]
    let account = accounts[entry.limit]
    let name = account.limit.name
    if account.keys[entry.digest] != key { return "\(name): a key that nobody finds" }
    let staying = entry.staying.places(in: holdings)
    if staying.count + entry.leaving != entry.held || staying.count != entry.staying.count {
      return "\(name): \(staying.count) staying, \(entry.leaving) leaving, \(entry.held) held"
    }
    let numbers = staying.map { slots[holdings[$0].slot].number }
    if numbers != numbers.sorted() { return "\(name): slots out of order" }
    let queue = entry.queue.places(in: tickets)
    if queue.count != entry.queue.count || !queue.allSatisfy({ tickets[$0].key == key }) {
      return "\(name): a queue of \(entry.queue.count), \(queue.count) in it"
    }
    guard account.bucket == nil else { return nil }
    if entry.isIdle { return "\(name): a key of nobody" }
    if entry.queue.count > 0, entry.held < account.bound { return "\(name): somebody waits although there is room" }
    return nil
  }
}
