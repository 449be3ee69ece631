import Reactor
import Testing

@testable import Admission

/// A table with what the tests of its limits have in common: a clock that they turn, and claims in one line.
final class TableOfLimits {
  let table: SlotTable
  var now = Instant(nanoseconds: 1_000_000_000_000)
  /// What was to be told since this was emptied last.
  var notices: [SlotNotice] = []

  init(_ limits: Limit..., maximumRateKeys: Int = SlotTable.maximumRateKeys) {
    table = SlotTable(limits: limits, maximumRateKeys: maximumRateKeys)
  }

  func pass(_ time: Duration) { now = now + time }

  func claim(_ subject: LimitSubject, group: LimitGroup = .stream, worker: Int = 0) -> Claim {
    let result = table.claim(group, for: subject, worker: worker, at: now)
    notices += result.notices
    return result.claim
  }

  func claim(client: UInt32, domain: String = "a.example", group: LimitGroup = .stream, worker: Int = 0) -> Claim {
    claim(LimitSubject(domain: domain, client: .ipv4(client)), group: group, worker: worker)
  }

  func release(_ slot: Slot) { notices += table.release(slot, at: now) }

  func due(_ ticket: WaitTicket) -> Claim? {
    let result = table.due(ticket, at: now)
    notices += result.notices
    return result.claim
  }

  func reload(_ limits: Limit...) { notices += table.reload(limits, at: now) }

  func takeNotices() -> [SlotNotice] {
    defer { notices = [] }
    return notices
  }

  /// The figures of one limit.
  func figures(_ name: String) throws -> SlotFigures.AtLimit {
    try #require(table.figures().limits.first { $0.name == name })
  }
}

extension Claim {
  var slot: Slot? {
    if case .admitted(let slot) = self { slot } else { nil }
  }

  var refusal: LimitRefusal? {
    if case .refused(let refusal) = self { refusal } else { nil }
  }

  var ticket: WaitTicket? {
    if case .waiting(let ticket, _) = self { ticket } else { nil }
  }

  var due: Instant? {
    if case .waiting(_, let due) = self { due } else { nil }
  }
}

extension SlotNotice {
  var evicted: Slot? {
    if case .evicted(let slot) = self { slot } else { nil }
  }

  var decided: Claim? {
    if case .decided(_, let claim) = self { claim } else { nil }
  }
}
