internal import Reactor

// The keys of the limits, and what is said of them.

extension SlotLedger {
  /// The key of a subject, `nowhere` if nothing is counted for it.
  func key(of subject: LimitSubject, under limit: Int) -> Place {
    if let key = accounts[limit].keys[subject.key(of: accounts[limit].dimensions)] { return key }
    guard isOutOfKeys(limit) else { return .nowhere }
    return accounts[limit].keys[LimitKey.shared] ?? .nowhere
  }

  mutating func makeKey(of subject: LimitSubject, under limit: Int) -> Place {
    let digest = isOutOfKeys(limit) ? LimitKey.shared : subject.key(of: accounts[limit].dimensions)
    return makeKey(digest, under: limit)
  }

  mutating func makeKey(_ digest: UInt128, under limit: Int) -> Place {
    let key = keys.insert(LimitKey(digest: digest, limit: limit))
    accounts[limit].keys[digest] = key
    return key
  }

  func isOutOfKeys(_ limit: Int) -> Bool {
    accounts[limit].bucket != nil && accounts[limit].keys.count >= maximumRateKeys
  }

  mutating func forget(_ key: Place) {
    accounts[keys[key].limit].keys[keys[key].digest] = nil
    keys.remove(key)
  }

  /// Looks at a few places where keys are, and forgets the buckets among them that are full again.
  ///
  /// A claim makes at most one bucket for each rate and looks at four places for each, so that all places are looked at
  /// before a quarter as many buckets have been made.
  mutating func forgetFullBuckets(at now: Instant) {
    for _ in 0..<min(4, keys.placeCount) {
      hand = hand + 1 < keys.placeCount ? hand + 1 : 0
      let key = Place(index: Int32(hand))
      guard keys.isTaken(key), keys[key].isIdle, let bucket = accounts[keys[key].limit].bucket,
        bucket.isFull(keys[key].fullAt, at: now)
      else { continue }
      forget(key)
    }
  }

  func token(of slot: Place) -> Slot {
    Slot(place: slot, generation: slots.generation(at: slot), worker: slots[slot].claimant.worker)
  }

  func ticket(at waiter: Place) -> WaitTicket {
    WaitTicket(place: waiter, generation: tickets.generation(at: waiter), worker: tickets[waiter].claimant.worker)
  }

  func refusal(_ limit: Int, _ reason: LimitRefusal.Reason, key: Place, at now: Instant) -> Verdict {
    .refused(limit: limit, reason, retryAfterSeconds: retryAfterSeconds(limit, key: key, at: now))
  }

  mutating func refuse(
    _ limit: Int, _ reason: LimitRefusal.Reason, retryAfterSeconds: ClosedRange<Int>
  ) -> LimitRefusal {
    accounts[limit].refused += 1
    return LimitRefusal(limit: accounts[limit].limit, reason: reason, retryAfterSeconds: retryAfterSeconds)
  }

  func retryAfterSeconds(_ limit: Int, key: Place, at now: Instant) -> ClosedRange<Int> {
    guard let bucket = accounts[limit].bucket else { return LimitRefusal.retryForSlot }
    let moment = bucket.moment(ofTokenAfter: keys[key].queue.count, fullAt: keys[key].fullAt, at: now)
    let seconds = max(1, (moment.nanoseconds - now.nanoseconds + 999_999_999) / 1_000_000_000)
    return Int(seconds)...Int(seconds)
  }
}
