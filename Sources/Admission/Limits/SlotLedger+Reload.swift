internal import Reactor

// Other limits for the slots that are held and the claims that wait.

extension SlotLedger {
  /// Replaces the limits.
  ///
  /// Every slot counts for every new limit of its group, whether the limit is new or was there before, because a slot
  /// remembers whom it is for. A limit that goes on under its name, dimensions and kind keeps its queues and buckets;
  /// claims that waited at another one are decided anew, after those that still stand in a queue.
  mutating func reload(_ limits: [Limit], at now: Instant) {
    let (oldAccounts, oldKeys) = (accounts, keys)
    keys = Slab()
    holdings = Slab()
    install(
      limits.map { limit in
        var account = LimitAccount(limit)
        if let before = oldAccounts.first(where: { $0.limit.name == limit.name }) {
          account.refused = before.refused
          account.evicted = before.evicted
        }
        return account
      })
    carryBuckets(of: oldAccounts, oldKeys, at: now)
    countSlots()
    let homeless = standAgain(oldAccounts, oldKeys)
    settle(at: now)
    decideAgain(homeless, at: now)
    settle(at: now)
  }

  private mutating func carryBuckets(of oldAccounts: [LimitAccount], _ oldKeys: Slab<LimitKey>, at now: Instant) {
    for limit in accounts.indices {
      guard let bucket = accounts[limit].bucket,
        let before = oldAccounts.first(where: { accounts[limit].limit.continues($0.limit) }),
        let oldBucket = before.bucket
      else { continue }
      for (digest, place) in before.keys where !oldBucket.isFull(oldKeys[place].fullAt, at: now) {
        let key = makeKey(digest, under: limit)
        keys[key].fullAt = bucket.converted(oldKeys[place].fullAt, of: oldBucket, at: now)
      }
    }
  }

  private mutating func countSlots() {
    for slot in slots.places.sorted(by: { slots[$0].number < slots[$1].number }) {
      let claimant = slots[slot].claimant
      slots[slot].holdings = .nowhere
      for limit in order[claimant.group.rawValue].reversed() where accounts[limit].bucket == nil {
        hold(existingOrNewKey(of: claimant.subject, under: limit), by: slot)
      }
    }
  }

  /// Builds the queues of the limits that go on, and returns the claims that stood in others, in their order.
  private mutating func standAgain(_ oldAccounts: [LimitAccount], _ oldKeys: Slab<LimitKey>) -> [Place] {
    var homeless: [Place] = []
    for waiter in tickets.places.sorted(by: { tickets[$0].number < tickets[$1].number }) {
      let old = oldAccounts[oldKeys[tickets[waiter].key].limit].limit
      guard let limit = accounts.firstIndex(where: { $0.limit.continues(old) }) else {
        homeless.append(waiter)
        continue
      }
      let key = existingOrNewKey(of: tickets[waiter].claimant.subject, under: limit)
      stand(waiter, at: key)
      // Once for each queue: a key can be forgotten when its queue has been served.
      if keys[key].queue.count == 1 { agenda.append(key) }
    }
    return homeless
  }

  private mutating func existingOrNewKey(of subject: LimitSubject, under limit: Int) -> Place {
    let key = key(of: subject, under: limit)
    return key == .nowhere ? makeKey(of: subject, under: limit) : key
  }
}
