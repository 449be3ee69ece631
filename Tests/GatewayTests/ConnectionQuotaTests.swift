import Support
import Testing

@testable import Gateway

@Suite struct ConnectionQuotaTests {
  @Test func `as many are taken as there may be, and one more for each that is given back`() {
    let quota = ConnectionQuota(.number(3))
    #expect((0..<5).map { _ in quota.take() } == [true, true, true, false, false])
    #expect(quota.giveBack(), "somebody was turned away")
    #expect(quota.take() && !quota.take())
  }

  @Test func `workers are woken only where somebody waits, and once`() {
    let quota = ConnectionQuota(.number(2))
    _ = quota.take()
    _ = quota.take()
    #expect(!quota.giveBack())
    _ = quota.take()
    #expect(!quota.take())
    #expect(quota.giveBack())
    #expect(!quota.giveBack(), "they have been told")
    #expect(quota.take() && quota.take() && !quota.take())
  }

  @Test func `another bound ends nobody, and wakes those who have room then`() {
    let quota = ConnectionQuota(.number(3))
    for _ in 0..<3 { _ = quota.take() }
    #expect(!quota.change(.number(5)), "nobody waits")
    #expect(quota.take() && quota.take() && !quota.take())
    #expect(!quota.change(.number(2)), "there is no room for who waits")
    for _ in 0..<3 { #expect(!quota.giveBack(), "as many are there as there may be, or more") }
    #expect(!quota.take())
    #expect(quota.giveBack())
    #expect(quota.take() && !quota.take())
    #expect(quota.change(.number(3)))
    #expect(!quota.change(.number(4)), "they have been told")
  }

  @Test func `what the process may have is found out`() {
    let quota = ConnectionQuota(.auto)
    #expect(quota.take())
  }

  @Test(arguments: 1...50) func `over any history there are never more than the bound`(seed: UInt64) {
    var random = SplitMix(seed)
    var (bound, open, isAwaited) = (3, 0, false)
    let quota = ConnectionQuota(.number(bound))
    for _ in 0..<300 {
      switch random.next() % 5 {
      case 0, 1:
        #expect(quota.take() == (open < bound))
        if open < bound { open += 1 } else { isAwaited = true }
      case 2,
        3 where open > 0:
        open -= 1
        #expect(quota.giveBack() == (isAwaited && open < bound))
        if open < bound { isAwaited = false }
      default:
        bound = 1 + Int(random.next() % 6)
        #expect(quota.change(.number(bound)) == (isAwaited && open < bound))
        if open < bound { isAwaited = false }
      }
    }
  }
}
