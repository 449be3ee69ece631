internal import Reactor

/// Everything that is counted, and the rules by which a claim is decided: the state of a `SlotTable`.
///
/// A claim is all or nothing. What it wants is counted only when every limit of its group has room; before that it
/// holds nothing, whether it waits or not. Between two calls nobody waits at a key of slots that has room.
/// - Owner: the table, behind its lock.
/// - Bound: slots by whoever owns them, waiting claims by the limits, keys of rates by `maximumRateKeys` a limit.
struct SlotLedger: Sendable {
  /// What a look at all limits says about a claim.
  enum Verdict {
    case room
    case refused(limit: Int, LimitRefusal.Reason, retryAfterSeconds: ClosedRange<Int>)
    case full(key: Place, deadline: Instant, due: Instant)
  }

  let maximumRateKeys: Int
  var accounts: [LimitAccount] = []
  /// The limits of each group, in the order of the file.
  var order: [[Int]] = []
  var keys = Slab<LimitKey>()
  var holdings = Slab<Holding>()
  var slots = Slab<HeldSlot>()
  var tickets = Slab<WaitingClaim>()
  var open = [Int](repeating: 0, count: LimitGroup.allCases.count)
  /// How many slots and waits there have been.
  var number: UInt64 = 0
  var notices: [SlotNotice] = []
  /// The keys that got room while somebody waits there.
  var agenda: [Place] = []
  /// The keys of the claim that is looked at, one for each limit of its group.
  var found: [Place] = []
  /// Where the search for forgettable buckets goes on.
  var hand = 0

  init(_ limits: [Limit], maximumRateKeys: Int) {
    self.maximumRateKeys = maximumRateKeys
    install(limits.map { LimitAccount($0) })
  }

  /// Replaces the limits; what was counted for the old ones is the caller's.
  mutating func install(_ accounts: [LimitAccount]) {
    self.accounts = accounts
    order = LimitGroup.allCases.map { group in accounts.indices.filter { accounts[$0].limit.group == group } }
  }

  /// What others have to be told since this was asked last.
  mutating func takeNotices() -> [SlotNotice] {
    guard !notices.isEmpty else { return [] }
    defer { notices = [] }
    return notices
  }

  /// What is counted now.
  func figures() -> SlotFigures {
    let limits = accounts.map { account in
      SlotFigures.AtLimit(
        name: account.limit.name, held: account.held, waiting: account.waiting, keys: account.keys.count,
        refused: account.refused, evicted: account.evicted)
    }
    return SlotFigures(limits: limits, open: open)
  }

  /// Whether a slot has been told to end, or is released already.
  func isEvicted(_ slot: Slot) -> Bool {
    !slots.contains(slot.place, generation: slot.generation) || slots[slot.place].isLeaving
  }

  /// The name of the limit that told a slot to end; `nil` where none did, or it is released already.
  func evictor(of slot: Slot) -> String? {
    slots.contains(slot.place, generation: slot.generation) ? slots[slot.place].evictor : nil
  }

  // MARK: - Claiming

  mutating func claim(_ claimant: Claimant, at now: Instant) -> Claim {
    for limit in order[claimant.group.rawValue] where accounts[limit].bucket != nil {
      forgetFullBuckets(at: now)
      // Tokens that came back meanwhile belong to those who wait for them.
      guard accounts[limit].waiting > 0 else { continue }
      let key = key(of: claimant.subject, under: limit)
      if key != .nowhere { agenda.append(key) }
    }
    settle(at: now)
    return decide(claimant, at: now)
  }

  /// Decides a claim, whether it is new or had its turn in a queue.
  ///
  /// - Parameters:
  ///   - claimant: who claims.
  ///   - waiter: its ticket, if it has waited.
  ///   - turn: the key at which it was the first in the queue.
  ///   - now: the moment.
  /// - Returns: what became of it.
  mutating func decide(
    _ claimant: Claimant, waiter: Place? = nil, turn: Place = .nowhere, at now: Instant
  ) -> Claim {
    switch look(at: claimant, turn: turn, now) {
    case .full(let key, let deadline, let due):
      let waiter = waiter ?? tickets.insert(WaitingClaim(claimant: claimant, deadline: deadline))
      tickets[waiter].deadline = deadline
      enqueue(waiter, at: key, now)
      return .waiting(ticket(at: waiter), due: due)
    case .room:
      if let waiter { tickets.remove(waiter) }
      return .admitted(admit(claimant, at: now))
    case .refused(let limit, let reason, let retryAfterSeconds):
      if let waiter { tickets.remove(waiter) }
      return .refused(refuse(limit, reason, retryAfterSeconds: retryAfterSeconds))
    }
  }

  /// Looks at all limits of a claim, and changes nothing but `found`.
  ///
  /// One that refuses decides before any at which the claim could wait, and one at which it only waits before any at
  /// which somebody would be evicted for it; among equals, the first in the file.
  private mutating func look(at claimant: Claimant, turn: Place, _ now: Instant) -> Verdict {
    found.removeAll(keepingCapacity: true)
    var waits: (limit: Int, key: Place, time: Duration)?
    var evicts: (limit: Int, key: Place)?
    for limit in order[claimant.group.rawValue] {
      let key = key(of: claimant.subject, under: limit)
      found.append(key)
      guard key != .nowhere, !hasRoom(key, behind: key == turn ? 0 : keys[key].queue.count, at: now) else { continue }
      switch accounts[limit].limit.whenFull {
      case .refuse: return refusal(limit, .full, key: key, at: now)
      case .wait(let time): if waits == nil { waits = (limit, key, time) }
      case .evictOldest: if evicts == nil { evicts = (limit, key) }
      }
    }
    if let (limit, key, time) = waits { return wait(of: claimant, for: time, at: key, limit, now) }
    guard let (limit, key) = evicts else { return .room }
    guard keys[key].queue.count < accounts[limit].bound else { return refusal(limit, .crowded, key: key, at: now) }
    let deadline = now + SlotTable.evictionTime
    return .full(key: key, deadline: deadline, due: deadline)
  }

  /// Whether a claim can wait at a full key, and until when.
  private func wait(
    of claimant: Claimant, for time: Duration, at key: Place, _ limit: Int, _ now: Instant
  ) -> Verdict {
    let ahead = keys[key].queue.count
    guard ahead < accounts[limit].limit.waiting else { return refusal(limit, .crowded, key: key, at: now) }
    let deadline = claimant.began + time
    guard deadline > now else { return refusal(limit, .waited, key: key, at: now) }
    guard let bucket = accounts[limit].bucket else { return .full(key: key, deadline: deadline, due: deadline) }
    let due = bucket.moment(ofTokenAfter: ahead, fullAt: keys[key].fullAt, at: now)
    guard due <= deadline else { return refusal(limit, .full, key: key, at: now) }
    return .full(key: key, deadline: deadline, due: due)
  }

  /// Whether a key has room for one more than those who wait before it.
  func hasRoom(_ key: Place, behind waiting: Int, at now: Instant) -> Bool {
    let limit = keys[key].limit
    guard let bucket = accounts[limit].bucket else { return keys[key].held + waiting < accounts[limit].bound }
    return bucket.hasTokens(moreThan: waiting, fullAt: keys[key].fullAt, at: now)
  }

  private mutating func admit(_ claimant: Claimant, at now: Instant) -> Slot {
    number += 1
    let slot = slots.insert(HeldSlot(claimant: claimant, number: number))
    open[claimant.group.rawValue] += 1
    let order = order[claimant.group.rawValue]
    // A slot's chain of holdings grows at its head, so that this leaves it in the order of the file.
    for index in order.indices.reversed() {
      let limit = order[index]
      let key = found[index] == .nowhere ? makeKey(of: claimant.subject, under: limit) : found[index]
      if let bucket = accounts[limit].bucket {
        keys[key].fullAt = bucket.taken(from: keys[key].fullAt, at: now)
      } else {
        hold(key, by: slot)
      }
    }
    return token(of: slot)
  }

  /// Counts a slot for a key.
  mutating func hold(_ key: Place, by slot: Place) {
    let holding = holdings.insert(Holding(key: key, slot: slot, nextOfSlot: slots[slot].holdings))
    slots[slot].holdings = holding
    accounts[keys[key].limit].held += 1
    keys[key].held += 1
    if slots[slot].isLeaving {
      keys[key].leaving += 1
    } else {
      keys[key].staying.append(holding, in: &holdings)
    }
  }

  // MARK: - Releasing

  /// Gives back everything a slot holds, and serves those who waited for it.
  mutating func release(_ slot: Slot, at now: Instant) {
    guard slots.contains(slot.place, generation: slot.generation) else {
      assertionFailure("a slot is released once")
      return
    }
    var holding = slots[slot.place].holdings
    while holding != .nowhere {
      let next = holdings[holding].nextOfSlot
      drop(holding, isLeaving: slots[slot.place].isLeaving)
      holding = next
    }
    open[slots[slot.place].claimant.group.rawValue] -= 1
    slots.remove(slot.place)
    settle(at: now)
  }

  private mutating func drop(_ holding: Place, isLeaving: Bool) {
    let key = holdings[holding].key
    accounts[keys[key].limit].held -= 1
    keys[key].held -= 1
    if isLeaving {
      keys[key].leaving -= 1
    } else {
      keys[key].staying.remove(holding, in: &holdings)
    }
    holdings.remove(holding)
    if keys[key].isIdle { forget(key) } else if keys[key].queue.count > 0 { agenda.append(key) }
  }
}
