import Reactor
import Support
import Testing

@testable import Admission

/// Random histories on four workers, told what the table told them late and in any order of workers, beside the rules
/// without structures.
@Suite struct HistoryTests {
  @Test(arguments: 0..<150)
  func `the table does what the rules say, whatever happens in which order`(seed: UInt64) {
    let history = History(seed: seed)
    for _ in 0..<400 {
      history.step()
      guard history.isSound() else { return }
    }
    history.end()
    #expect(history.isSound())
  }

  @Test func `the histories do everything`() {
    var seen: [String: Int] = [:]
    for seed in 0..<40 as Range<UInt64> {
      let history = History(seed: seed)
      for _ in 0..<400 { history.step() }
      seen.merge(history.seen) { $0 + $1 }
    }
    let expected = [
      "admitted", "refused full", "refused crowded", "refused waited", "waiting", "told admitted", "told refused",
      "told waiting", "told evicted", "abandoned", "abandoned too late", "due early", "due late", "reloaded",
    ]
    for word in expected { #expect(seen[word, default: 0] > 20, "\(word): \(seen[word, default: 0]) times") }
  }
}

/// One history: a table, the rules beside it, and the workers that use both.
final class History {
  struct Worker {
    var slots: [Int] = []
    var tickets: [Int: Instant] = [:]
    var mail: [NaiveTable.Notice] = []
  }

  private var random: SplitMix
  private let pool: [Limit]
  private let table: SlotTable
  private var naive: NaiveTable
  private var now = Instant(nanoseconds: 1 << 50)
  private var workers = [Worker](repeating: Worker(), count: 4)
  private var claims = 0
  private var slots: [Int: Slot] = [:]
  private var tickets: [Int: WaitTicket] = [:]
  private var claimed: [Slot: Int] = [:]
  private var waited: [WaitTicket: Int] = [:]
  /// Whether both sides have said the same so far; what follows a difference is noise.
  private var isAlike = true
  /// How often what happened.
  private(set) var seen: [String: Int] = [:]

  init(seed: UInt64) {
    random = SplitMix(seed)
    pool = (0..<6).map { [seed] in History.limit("limit-\($0)", seed: seed * 8 + UInt64($0)) }
    let limits = Array(pool.prefix(Int.random(in: 1...5, using: &random)))
    table = SlotTable(limits: limits)
    naive = NaiveTable(limits)
  }

  private static func limit(_ name: String, seed: UInt64) -> Limit {
    var random = SplitMix(seed)
    let dimensions: [Dimension] = [.client, .domain, .principal, .upstream]
    let per = dimensions.filter { _ in Bool.random(using: &random) }
    let time = WhenFull.wait(.milliseconds(Int.random(in: 1...20, using: &random) * 100))
    let waiting = Int.random(in: 1...4, using: &random)
    if Int.random(in: 0..<4, using: &random) == 0 {
      let rate = Rate(count: Int.random(in: 1...7, using: &random), unit: .second)
      let burst = Int.random(in: 1...3, using: &random)
      return Limit(
        name: name, per: per, counts: .rate(rate, burst: burst), whenFull: Bool.random(using: &random) ? .refuse : time,
        waiting: waiting)
    }
    let whenFull = [WhenFull.refuse, time, time, .evictOldest][Int.random(in: 0..<4, using: &random)]
    return Limit(
      name: name, per: per, counts: .streams(Int.random(in: 1...4, using: &random)), whenFull: whenFull,
      waiting: waiting)
  }

  // MARK: - Steps

  func step() {
    now = now + .milliseconds(Int.random(in: 0...40, using: &random))
    let worker = Int.random(in: 0..<4, using: &random)
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<40: claim(on: worker)
    case 40..<55: workers[worker].slots.randomElement(using: &random).map { release($0, on: worker) }
    case 55..<60: workers[worker].tickets.keys.sorted().randomElement(using: &random).map { abandon($0, on: worker) }
    case 60..<75: lookAtTickets(on: worker, early: Bool.random(using: &random))
    case 75: reload()
    default: readMail(of: worker)
    }
  }

  /// Lets everything end, and every timer fire.
  func end() {
    for _ in 0..<100 {
      now = now + .seconds(1)
      for worker in workers.indices {
        readMail(of: worker)
        for slot in workers[worker].slots { release(slot, on: worker) }
        lookAtTickets(on: worker, early: false)
      }
    }
    let figures = table.figures()
    #expect(LimitGroup.allCases.allSatisfy { figures.open($0) == 0 })
    #expect(figures.limits.allSatisfy { $0.held == 0 && $0.waiting == 0 })
    #expect(workers.allSatisfy { $0.slots.isEmpty && $0.tickets.isEmpty && $0.mail.isEmpty })
  }

  /// Whether the table adds up and the rules hold that need no second opinion.
  func isSound() -> Bool {
    let imbalance = table.imbalance()
    #expect(imbalance == nil)
    return imbalance == nil && isAlike
  }

  private func claim(on worker: Int) {
    claims += 1
    var values: [Dimension: String] = [:]
    for dimension in [Dimension.client, .domain, .principal] {
      values[dimension] = "\(Int.random(in: 0..<2, using: &random))"
    }
    let group: LimitGroup = Int.random(in: 0..<3, using: &random) == 0 ? .upstream : .stream
    if group == .upstream { values[.upstream] = "\(Int.random(in: 0..<2, using: &random))" }
    let (expected, notices) = naive.claim(
      .init(number: claims, group: group, values: values, worker: worker, began: now))
    let result = table.claim(group, for: History.subject(values), worker: worker, at: now)
    take(result.claim, for: claims, on: worker, expecting: expected)
    post(result.notices, expecting: notices)
  }

  private static func subject(_ values: [Dimension: String]) -> LimitSubject {
    LimitSubject(
      domain: values[.domain], client: values[.client].flatMap { UInt32($0) }.map { .ipv4($0) },
      principal: values[.principal].map { Array($0.utf8) }, upstream: values[.upstream])
  }

  private func release(_ number: Int, on worker: Int) {
    workers[worker].slots.removeAll { $0 == number }
    guard let slot = slots[number] else { return }
    let expected = naive.release(number, at: now)
    post(table.release(slot, at: now), expecting: expected)
  }

  private func abandon(_ number: Int, on worker: Int) {
    guard let ticket = tickets[number] else { return }
    workers[worker].tickets[number] = nil
    let expected = naive.abandon(number)
    expectAlike(table.abandon(ticket), expected)
    note(expected ? "abandoned" : "abandoned too late")
  }

  private func lookAtTickets(on worker: Int, early: Bool) {
    for (number, due) in workers[worker].tickets.sorted(by: { $0.key < $1.key }) where early || due <= now {
      guard let ticket = tickets[number] else { continue }
      note(due <= now ? "due late" : "due early")
      let (expected, notices) = naive.due(number, at: now)
      let result = table.due(ticket, at: now)
      expectAlike(result.claim == nil, expected == nil)
      if let claim = result.claim, let expected { take(claim, for: number, on: worker, expecting: expected) }
      post(result.notices, expecting: notices)
    }
  }

  private func reload() {
    note("reloaded")
    let limits = pool.shuffled(using: &random).prefix(Int.random(in: 1...5, using: &random)).map { limit in
      guard case .streams = limit.counts else { return limit }
      return Limit(
        name: limit.name, per: limit.per, counts: .streams(Int.random(in: 1...5, using: &random)),
        whenFull: limit.whenFull, waiting: limit.waiting)
    }
    let expected = naive.reload(limits, at: now)
    post(table.reload(limits, at: now), expecting: expected)
  }

  // MARK: - What a worker does with what it is told

  /// Takes what became of a claim, unless it has been given up; a slot that nobody wants is released.
  private func take(_ claim: Claim, for number: Int, on worker: Int, expecting expected: NaiveTable.Outcome) {
    learn(claim, number)
    expectAlike(outcome(claim), expected)
    follow(expected, number, on: worker)
  }

  private func follow(_ outcome: NaiveTable.Outcome, _ number: Int, on worker: Int) {
    switch outcome {
    case .admitted:
      note("admitted")
      workers[worker].tickets[number] = nil
      workers[worker].slots.append(number)
    case .refused(_, let reason, _):
      note("refused \(reason)")
      workers[worker].tickets[number] = nil
    case .waiting(let due):
      note("waiting")
      workers[worker].tickets[number] = due
    }
  }

  private func post(_ notices: [SlotNotice], expecting expected: [NaiveTable.Notice]) {
    for case .decided(let ticket, let claim) in notices {
      if let number = waited[ticket] { learn(claim, number) }
    }
    expectAlike(notices.map { told($0) }, expected)
    for notice in expected {
      switch notice {
      case .decided(_, let worker, _), .evicted(_, let worker): workers[worker].mail.append(notice)
      }
    }
  }

  private func readMail(of worker: Int) {
    while !workers[worker].mail.isEmpty {
      switch workers[worker].mail.removeFirst() {
      case .evicted(let number, _):
        note("told evicted")
        if workers[worker].slots.contains(number) { release(number, on: worker) }
      case .decided(let number, _, let outcome):
        note("told \(outcome == .admitted ? "admitted" : outcome.isWaiting ? "waiting" : "refused")")
        if workers[worker].tickets[number] != nil {
          follow(outcome, number, on: worker)
        } else if outcome == .admitted {
          release(number, on: worker)
        }
      }
    }
  }

  // MARK: - Names of both sides

  private func learn(_ claim: Claim, _ number: Int) {
    if let slot = claim.slot {
      slots[number] = slot
      claimed[slot] = number
    }
    if let ticket = claim.ticket {
      tickets[number] = ticket
      waited[ticket] = number
    }
  }

  private func outcome(_ claim: Claim) -> NaiveTable.Outcome {
    switch claim {
    case .admitted: .admitted
    case .refused(let refusal): .refused(refusal.limit.name, refusal.reason, refusal.retryAfterSeconds)
    case .waiting(_, let due): .waiting(due: due)
    }
  }

  private func told(_ notice: SlotNotice) -> NaiveTable.Notice {
    switch notice {
    case .decided(let ticket, let claim):
      .decided(waited[ticket] ?? 0, worker: ticket.worker, outcome(claim))
    case .evicted(let slot): .evicted(claimed[slot] ?? 0, worker: slot.worker)
    }
  }

  private func expectAlike<Said: Equatable>(_ said: Said, _ expected: Said) {
    #expect(said == expected)
    if said != expected { isAlike = false }
  }

  private func note(_ word: String) { seen[word, default: 0] += 1 }
}

extension NaiveTable.Outcome {
  fileprivate var isWaiting: Bool {
    if case .waiting = self { true } else { false }
  }
}
