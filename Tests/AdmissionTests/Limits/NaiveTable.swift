import Reactor

@testable import Admission

/// The rules of the slot table without its structures: two lists, searched from end to end each time.
///
/// Claims have numbers, which name their tickets and slots as well.
struct NaiveTable {
  struct Claimant {
    let number: Int
    let group: LimitGroup
    let values: [Dimension: String]
    let worker: Int
    let began: Instant
  }

  struct Standing {
    let claimant: Claimant
    let limit: Limit
    let deadline: Instant
  }

  enum Outcome: Equatable {
    case admitted
    case refused(String, LimitRefusal.Reason, ClosedRange<Int>)
    case waiting(due: Instant)
  }

  enum Notice: Equatable {
    case decided(Int, worker: Int, Outcome)
    case evicted(Int, worker: Int)

    /// The claim that is decided.
    var number: Int? {
      if case .decided(let number, _, _) = self { number } else { nil }
    }
  }

  /// A bucket by what has flowed into it, in parts of which a token has as many as its unit has nanoseconds.
  struct Bucket {
    var level: UInt128
    var filled: Instant
  }

  struct Key: Hashable {
    let name: String
    let values: [Dimension: String]
  }

  var limits: [Limit]
  /// In the order of their admission.
  private(set) var slots: [Claimant] = []
  private(set) var leaving: Set<Int> = []
  /// In the order in which they came to stand where they stand.
  private(set) var queue: [Standing] = []
  private var buckets: [Key: Bucket] = [:]
  private var notices: [Notice] = []
  /// The queues that may be served.
  private var agenda: [(Limit, Claimant)] = []

  init(_ limits: [Limit]) {
    self.limits = limits
  }

  // MARK: - What the table can do

  mutating func claim(_ claimant: Claimant) -> (Outcome, [Notice]) {
    for limit in limits(of: claimant) where limit.isRate { agenda.append((limit, claimant)) }
    settle(at: claimant.began)
    let outcome = decide(claimant, turn: nil, at: claimant.began)
    return (outcome, takeNotices())
  }

  mutating func release(_ number: Int, at now: Instant) -> [Notice] {
    guard let index = slots.firstIndex(where: { $0.number == number }) else { return [] }
    let claimant = slots.remove(at: index)
    leaving.remove(number)
    for limit in limits(of: claimant) where !limit.isRate { agenda.append((limit, claimant)) }
    settle(at: now)
    return takeNotices()
  }

  mutating func due(_ number: Int, at now: Instant) -> (Outcome?, [Notice]) {
    guard let standing = queue.first(where: { $0.claimant.number == number }) else { return (nil, []) }
    if standing.limit.isRate {
      agenda.append((standing.limit, standing.claimant))
      settle(at: now)
      let own = notices.filter { $0.number == number }
      if case .decided(_, _, let outcome)? = own.last {
        notices.removeAll { $0.number == number }
        return (outcome, takeNotices())
      }
    }
    let ahead = waiters(at: standing.limit, like: standing.claimant).prefix { $0.claimant.number != number }.count
    let due =
      standing.limit.isRate
      ? moment(after: ahead, standing.limit, standing.claimant, now) : standing.deadline
    if now < standing.deadline, due <= standing.deadline { return (.waiting(due: due), takeNotices()) }
    queue.removeAll { $0.claimant.number == number }
    return (refused(standing.limit, .waited, standing.claimant, now), takeNotices())
  }

  mutating func abandon(_ number: Int) -> Bool {
    let before = queue.count
    queue.removeAll { $0.claimant.number == number }
    return queue.count < before
  }

  mutating func reload(_ new: [Limit], at now: Instant) -> [Notice] {
    let stays = { (old: Limit) in new.first { $0.continues(old) } }
    // The histories give a rate that goes on the same numbers, so that its buckets stay as they are.
    buckets = buckets.filter { key, _ in new.contains { $0.name == key.name && $0.isRate } }
    let homeless = queue.filter { stays($0.limit) == nil }
    queue = queue.compactMap { standing in
      stays(standing.limit).map { Standing(claimant: standing.claimant, limit: $0, deadline: standing.deadline) }
    }
    limits = new
    for standing in queue { agenda.append((standing.limit, standing.claimant)) }
    settle(at: now)
    for standing in homeless { decideAndTell(standing.claimant, turn: nil, at: now) }
    settle(at: now)
    return takeNotices()
  }

  // MARK: - The rules

  private mutating func decide(_ claimant: Claimant, turn: Limit?, at now: Instant) -> Outcome {
    let full = limits(of: claimant).filter { limit in
      let ahead = limit == turn ? 0 : waiters(at: limit, like: claimant).count
      return room(limit, claimant, now) <= ahead
    }
    if let limit = full.first(where: { $0.whenFull == .refuse }) { return refused(limit, .full, claimant, now) }
    for limit in full {
      guard case .wait(let time) = limit.whenFull else { continue }
      let ahead = waiters(at: limit, like: claimant).count
      guard ahead < limit.waiting else { return refused(limit, .crowded, claimant, now) }
      let deadline = claimant.began + time
      let due = limit.isRate ? moment(after: ahead, limit, claimant, now) : deadline
      guard deadline > now else { return refused(limit, .waited, claimant, now) }
      guard due <= deadline else { return refused(limit, .full, claimant, now) }
      queue.append(Standing(claimant: claimant, limit: limit, deadline: deadline))
      return .waiting(due: due)
    }
    if let limit = full.first {
      guard waiters(at: limit, like: claimant).count < limit.counts.bound else {
        return refused(limit, .crowded, claimant, now)
      }
      let deadline = now + SlotTable.evictionTime
      queue.append(Standing(claimant: claimant, limit: limit, deadline: deadline))
      evict(for: limit, like: claimant)
      return .waiting(due: deadline)
    }
    slots.append(claimant)
    for limit in limits(of: claimant) where limit.isRate { take(limit, claimant, now) }
    return .admitted
  }

  private mutating func evict(for limit: Limit, like claimant: Claimant) {
    let holders = slots.filter { isSame(limit, $0, claimant) }
    let ending = holders.count { leaving.contains($0.number) }
    let needed = holders.count - limit.counts.bound + waiters(at: limit, like: claimant).count - ending
    for holder in holders.filter({ !leaving.contains($0.number) }).prefix(max(0, needed)) {
      leaving.insert(holder.number)
      notices.append(.evicted(holder.number, worker: holder.worker))
    }
  }

  private mutating func settle(at now: Instant) {
    while !agenda.isEmpty {
      let (limit, claimant) = agenda.removeFirst()
      while let first = waiters(at: limit, like: claimant).first, room(limit, claimant, now) > 0 {
        queue.removeAll { $0.claimant.number == first.claimant.number }
        decideAndTell(first.claimant, turn: limit, at: now)
      }
    }
  }

  private mutating func decideAndTell(_ claimant: Claimant, turn: Limit?, at now: Instant) {
    let outcome = decide(claimant, turn: turn, at: now)
    notices.append(.decided(claimant.number, worker: claimant.worker, outcome))
    // Where it stands now, tokens may have come back while nobody looked.
    guard case .waiting = outcome, let limit = queue.last?.limit, limit.isRate else { return }
    agenda.append((limit, claimant))
  }

  private mutating func takeNotices() -> [Notice] {
    defer { notices = [] }
    return notices
  }

  // MARK: - Counting

  func limits(of claimant: Claimant) -> [Limit] {
    limits.filter { $0.group == claimant.group }
  }

  func isSame(_ limit: Limit, _ one: Claimant, _ other: Claimant) -> Bool {
    one.group == limit.group && other.group == limit.group
      && limit.per.allSatisfy { one.values[$0] == other.values[$0] }
  }

  func held(_ limit: Limit, like claimant: Claimant) -> Int {
    slots.count { isSame(limit, $0, claimant) }
  }

  private func waiters(at limit: Limit, like claimant: Claimant) -> [Standing] {
    queue.filter { $0.limit == limit && isSame(limit, $0.claimant, claimant) }
  }

  private func room(_ limit: Limit, _ claimant: Claimant, _ now: Instant) -> Int {
    guard case .rate(let rate, _) = limit.counts else { return limit.counts.bound - held(limit, like: claimant) }
    return Int(level(limit, claimant, now) / rate.parts)
  }

  private func key(_ limit: Limit, _ claimant: Claimant) -> Key {
    Key(name: limit.name, values: claimant.values.filter { limit.per.contains($0.key) })
  }

  private func level(_ limit: Limit, _ claimant: Claimant, _ now: Instant) -> UInt128 {
    guard case .rate(let rate, let burst) = limit.counts else { return 0 }
    let most = UInt128(burst) * rate.parts
    guard let bucket = buckets[key(limit, claimant)] else { return most }
    return min(most, bucket.level + UInt128(now.nanoseconds - bucket.filled.nanoseconds) * UInt128(rate.count))
  }

  private mutating func take(_ limit: Limit, _ claimant: Claimant, _ now: Instant) {
    guard case .rate(let rate, _) = limit.counts else { return }
    buckets[key(limit, claimant)] = Bucket(level: level(limit, claimant, now) - rate.parts, filled: now)
  }

  private func moment(after ahead: Int, _ limit: Limit, _ claimant: Claimant, _ now: Instant) -> Instant {
    guard case .rate(let rate, _) = limit.counts else { return now }
    let (needed, level) = (UInt128(ahead + 1) * rate.parts, level(limit, claimant, now))
    guard needed > level else { return now }
    let count = UInt128(rate.count)
    return Instant(nanoseconds: now.nanoseconds + UInt64((needed - level + count - 1) / count))
  }

  private func refused(
    _ limit: Limit, _ reason: LimitRefusal.Reason, _ claimant: Claimant, _ now: Instant
  ) -> Outcome {
    guard limit.isRate else { return .refused(limit.name, reason, 1...5) }
    let moment = moment(after: waiters(at: limit, like: claimant).count, limit, claimant, now)
    let seconds = max(1, Int((moment.nanoseconds - now.nanoseconds + 999_999_999) / 1_000_000_000))
    return .refused(limit.name, reason, seconds...seconds)
  }
}

extension Limit {
  var isRate: Bool {
    if case .rate = counts { true } else { false }
  }
}

extension Rate {
  fileprivate var parts: UInt128 { UInt128(unit.seconds) * 1_000_000_000 }
}
