import Reactor
import Support
import Testing

@testable import Admission

/// Four workers on threads of their own at one table, each with the mailbox it would have.
@Suite struct ThreadedTableTests {
  static let limits = [
    Limit(name: "six", per: [.client, .domain], counts: .streams(3), whenFull: .evictOldest),
    Limit(name: "domain", per: [.domain], counts: .streams(8), whenFull: .wait(.milliseconds(50))),
    Limit(name: "client", per: [.client], counts: .streams(5), whenFull: .refuse),
    Limit(
      name: "starts", per: [.principal], counts: .rate(Rate(count: 1000, unit: .second), burst: 50), whenFull: .refuse),
  ]

  @Test func `four threads never exceed a bound and leave nothing behind`() throws {
    let floor = Floor(SlotTable(limits: Self.limits))
    let threads = try (0..<4).map { number in
      try Reactor.Thread("worker") { [floor] in
        var worker = ThreadedWorker(number: number, floor: floor)
        for _ in 0..<10_000 { worker.step() }
        worker.end()
      }
    }
    threads.forEach { $0.join() }

    let figures = floor.table.figures()
    #expect(figures.open(.stream) == 0)
    #expect(figures.limits.map(\.held) == [0, 0, 0, 0])
    #expect(figures.limits.map(\.waiting) == [0, 0, 0, 0])
    #expect(floor.table.imbalance() == nil)
    #expect(floor.mail.allSatisfy { $0.withLock { $0.isEmpty } })
    let result = floor.tally.withLock { $0 }
    #expect(result.exceeded == 0)
    #expect(result.admitted > 1000)
    // Waits and ends happened, or the test would show little.
    #expect(result.toldAdmitted > 0)
    #expect(figures.limits[0].evicted > 0)
    #expect(figures.limits[2].refused > 0)
  }
}

/// What the threads share.
private final class Floor: Sendable {
  /// Who holds what as the owners know it.
  ///
  /// A slot is counted after it came, and no longer before it is released. So there is never more here than the table
  /// knows, and what exceeds a bound here exceeds it there.
  struct Tally {
    var held: [Int: Int] = [:]
    var exceeded = 0
    var admitted = 0
    var toldAdmitted = 0
    var finished = 0
  }

  let table: SlotTable
  let mail = (0..<4).map { _ in Locked<[SlotNotice]>([]) }
  let tally = Locked(Tally())

  init(_ table: SlotTable) { self.table = table }

  func post(_ notices: [SlotNotice]) {
    for notice in notices { mail[notice.worker].withLock { $0.append(notice) } }
  }
}

/// One thread's worker.
private struct ThreadedWorker {
  struct Claimed {
    let client: Int
    let domain: Int
    /// The limits by what they count, with their bounds.
    var keys: [(Int, Int)] { [(client * 10 + domain, 3), (100 + domain, 8), (200 + client, 5)] }
  }

  let number: Int
  let floor: Floor
  var random: SplitMix
  var now = Instant(nanoseconds: 1 << 40)
  var slots: [Slot: Claimed] = [:]
  /// Claims that wait, with their moments; without one, they have been given up.
  var tickets: [WaitTicket: (claimed: Claimed, due: Instant?)] = [:]

  init(number: Int, floor: Floor) {
    self.number = number
    self.floor = floor
    random = SplitMix(UInt64(number))
  }

  mutating func step() {
    now = now + .microseconds(Int.random(in: 0...200, using: &random))
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<5: claim()
    case 5: if let slot = slots.keys.randomElement(using: &random) { release(slot) }
    case 6: if let ticket = tickets.keys.randomElement(using: &random) { abandon(ticket) }
    default: readMail()
    }
    for (ticket, waiting) in tickets { if let due = waiting.due, due <= now { lookAt(ticket) } }
  }

  /// Releases everything, then serves what the others may still tell, until all have come so far.
  mutating func end() {
    var isCounted = false
    repeat {
      readMail()
      for ticket in tickets.keys { abandon(ticket) }
      for slot in slots.keys { release(slot) }
      if !isCounted, tickets.isEmpty, slots.isEmpty {
        isCounted = true
        floor.tally.withLock { $0.finished += 1 }
      }
    } while floor.tally.withLock({ $0.finished }) < 4 || !floor.mail[number].withLock({ $0.isEmpty })
  }

  private mutating func claim() {
    let claimed = Claimed(client: .random(in: 0..<3, using: &random), domain: .random(in: 0..<2, using: &random))
    let subject = LimitSubject(
      domain: "\(claimed.domain)", client: .ipv4(UInt32(claimed.client)), principal: [UInt8(claimed.client)])
    let result = floor.table.claim(.stream, for: subject, worker: number, at: now)
    take(result.claim, for: claimed)
    floor.post(result.notices)
  }

  private mutating func take(_ claim: Claim, for claimed: Claimed) {
    if let slot = claim.slot { own(slot, claimed) }
    if case .waiting(let ticket, let due) = claim { tickets[ticket] = (claimed, due) }
  }

  private mutating func own(_ slot: Slot, _ claimed: Claimed) {
    slots[slot] = claimed
    floor.tally.withLock { tally in
      tally.admitted += 1
      for (key, bound) in claimed.keys {
        tally.held[key, default: 0] += 1
        if tally.held[key, default: 0] > bound { tally.exceeded += 1 }
      }
    }
    // The notice of its eviction may have come before it was ours.
    if floor.table.isEvicted(slot) { release(slot) }
  }

  private mutating func release(_ slot: Slot) {
    guard let claimed = slots.removeValue(forKey: slot) else { return }
    floor.tally.withLock { tally in
      for (key, _) in claimed.keys { tally.held[key, default: 0] -= 1 }
    }
    floor.post(floor.table.release(slot, at: now))
  }

  private mutating func abandon(_ ticket: WaitTicket) {
    guard tickets[ticket]?.due != nil else { return }
    if floor.table.abandon(ticket) { tickets[ticket] = nil } else { tickets[ticket]?.due = nil }
  }

  private mutating func lookAt(_ ticket: WaitTicket) {
    guard let waiting = tickets[ticket] else { return }
    let result = floor.table.due(ticket, at: now)
    if let claim = result.claim {
      tickets[ticket] = nil
      take(claim, for: waiting.claimed)
    }
    floor.post(result.notices)
  }

  private mutating func readMail() {
    let notices = floor.mail[number].withLock { mail in
      defer { mail = [] }
      return mail
    }
    for notice in notices {
      switch notice {
      case .evicted(let slot): release(slot)
      case .decided(let ticket, let claim):
        guard let waiting = tickets[ticket] else { continue }
        if case .waiting(_, let due) = claim {
          // Given up stays given up: what follows this notice is what has to be released.
          if waiting.due != nil { tickets[ticket]?.due = due }
          continue
        }
        tickets[ticket] = nil
        if let slot = claim.slot {
          floor.tally.withLock { $0.toldAdmitted += 1 }
          own(slot, waiting.claimed)
          if waiting.due == nil { release(slot) }
        }
      }
    }
  }
}
