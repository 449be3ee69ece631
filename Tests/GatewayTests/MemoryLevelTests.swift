import Support
import Testing

@testable import Gateway

@Suite struct MemoryLevelTests {
  @Test(arguments: [
    (0, MemoryLevel.free), (14_000, .free), (14_001, .tight), (15_000, .tight), (15_001, .short), (16_000, .short),
    (16_001, .exhausted), (Int.max, .exhausted),
  ]) func `at each bound there is room, one byte beyond it less`(bytes: Int, level: MemoryLevel) {
    #expect(MemoryLevel(bytes, of: 16_000) == level)
    let budget = MemoryBudget(bytes: 16_000)
    budget.add(bytes)
    #expect(budget.level == level && budget.heldBytes == bytes)
    #expect(budget.mayAccept() == (level < .exhausted))
  }

  @Test func `those who were not accepted are told once, and only where somebody was`() {
    let budget = MemoryBudget(bytes: 100)
    budget.add(100)
    #expect(budget.mayAccept() && !budget.mayResume())
    budget.add(1)
    #expect(!budget.mayAccept() && !budget.mayResume())
    budget.add(-1)
    #expect(budget.mayResume() && !budget.mayResume())
    budget.change(to: 50)
    #expect(!budget.mayAccept())
    budget.change(to: 100)
    #expect(budget.mayResume() && budget.mayAccept())
  }

  @Test func `what was given back goes to the kernel where memory is tight, a quarter of the budget at a time`() {
    let budget = MemoryBudget(bytes: 1000)
    budget.add(1200)
    budget.add(-249)
    #expect(!budget.mayTrim())
    budget.add(-1)
    #expect(budget.level == .short && budget.mayTrim() && !budget.mayTrim())
    budget.add(-950)
    #expect(!budget.mayTrim(), "there is room")
  }

  @Test func `workers are asked for room one call at a time`() {
    let budget = MemoryBudget(bytes: 100)
    #expect(budget.mayCall() && !budget.mayCall())
    budget.heard()
    #expect(budget.mayCall())
  }

  @Test(arguments: 1...20) func `over any history the workers' kinds add up to what is held`(seed: UInt64) {
    var random = SplitMix(seed)
    let budget = MemoryBudget(bytes: 1 << 20)
    let counters = (0..<3).map { _ in Counters() }
    let accounts = counters.map { MemoryAccount(within: budget, $0) }
    var held: [[Int]] = accounts.map { _ in MemoryKind.allCases.map { _ in 0 } }
    for _ in 0..<500 {
      let (worker, kind) = (Int(random.next() % 3), Int(random.next() % UInt64(MemoryKind.allCases.count)))
      let difference = Int(random.next() % 5000) - min(held[worker][kind], 2500)
      held[worker][kind] += difference
      accounts[worker].add(difference, to: MemoryKind.allCases[kind])
    }
    #expect(budget.heldBytes == held.joined().reduce(0, +))
    for (worker, counters) in counters.enumerated() {
      #expect(MemoryKind.allCases.map { counters.heldBytes(of: $0) } == held[worker])
    }
  }

  @Test func `where nothing is left a reader may lag little`() {
    let account = MemoryAccount(within: MemoryBudget(bytes: 100), Counters())
    let bound = UInt64(MemoryCost.lag)
    #expect(account.mayLag(by: bound) && account.mayLag(by: bound + 1))
    account.add(101, to: .logs)
    #expect(account.mayLag(by: bound) && !account.mayLag(by: bound + 1))
  }
}
