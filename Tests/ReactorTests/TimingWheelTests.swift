import Reactor
import Support
import Testing

private final class Owner: TimerOwner {
  var fired: [UInt8] = []
  func timerFired(_ tag: UInt8) { fired.append(tag) }
}

private func at(_ milliseconds: UInt64) -> Instant {
  Instant(nanoseconds: milliseconds * 1_000_000)
}

@Suite struct TimingWheelTests {
  @Test func `a timer fires at its millisecond and not before`() {
    let owner = Owner()
    var wheel = TimingWheel(startingAt: at(12_345))
    _ = wheel.set(at: at(12_445), for: owner)
    #expect(wheel.takeDue(at: at(12_444)) == nil)
    #expect(wheel.takeDue(at: at(12_445))?.owner === owner)
    #expect(wheel.takeDue(at: at(99_999)) == nil)
    #expect(wheel.count == 0)
  }

  @Test func `a part of a millisecond is waited for to its end`() {
    var wheel = TimingWheel(startingAt: at(0))
    _ = wheel.set(at: Instant(nanoseconds: 5_000_001), for: Owner())
    #expect(wheel.takeDue(at: at(5)) == nil)
    #expect(wheel.takeDue(at: at(6)) != nil)
  }

  @Test func `a cancelled timer never fires, and its stale name is harmless`() {
    let owner = Owner()
    var wheel = TimingWheel(startingAt: at(0))
    let first = wheel.set(at: at(10), for: owner)
    wheel.cancel(first)
    let second = wheel.set(at: at(10), for: owner, tag: 2)
    wheel.cancel(first)
    #expect(wheel.takeDue(at: at(10))?.tag == 2)
    wheel.cancel(second)
    #expect(wheel.count == 0)
  }

  @Test func `a moment that has passed fires at once`() {
    var wheel = TimingWheel(startingAt: at(1000))
    _ = wheel.set(at: at(3), for: Owner())
    #expect(wheel.takeDue(at: at(1000)) != nil)
  }

  @Test func `moments beyond the wheel's span are kept and fire in their time`() {
    let far: UInt64 = 1 << 37
    var wheel = TimingWheel(startingAt: at(7))
    _ = wheel.set(at: at(far), for: Owner())
    var now: UInt64 = 7
    while let next = wheel.nextMoment(), next.milliseconds < far {
      #expect(wheel.takeDue(at: next) == nil)
      #expect(next.milliseconds > now || wheel.nextMoment() != next)
      now = next.milliseconds
    }
    #expect(wheel.takeDue(at: at(far)) != nil)
  }

  @Test(arguments: 1...20) func `any history fires what a sorted list would`(seed: UInt64) {
    var random = SplitMix(seed)
    var wheel = TimingWheel(startingAt: at(seed * 977))
    let owner = Owner()
    var now = seed * 977
    var expected: [(due: UInt64, tag: UInt8)] = []
    var timers: [(id: TimerID, due: UInt64, tag: UInt8)] = []
    for step in 0..<400 {
      switch random.next() % 4 {
      case 0, 1:
        let due = now + 1 + random.next() % [60, 4000, 300_000, 20_000_000][Int(random.next() % 4)]
        let tag = UInt8(truncatingIfNeeded: step)
        timers.append((wheel.set(at: at(due), for: owner, tag: tag), due, tag))
        expected.append((due, tag))
      case 2 where !timers.isEmpty:
        let victim = timers.remove(at: Int(random.next() % UInt64(timers.count)))
        wheel.cancel(victim.id)
        expected.removeAll { $0.due == victim.due && $0.tag == victim.tag }
      default:
        now += random.next() % [3, 200, 50_000, 10_000_000][Int(random.next() % 4)]
        var fired: [UInt8] = []
        while let due = wheel.takeDue(at: at(now)) { fired.append(due.tag) }
        #expect(fired.sorted() == expected.filter { $0.due <= now }.map(\.tag).sorted())
        expected.removeAll { $0.due <= now }
        timers.removeAll { $0.due <= now }
        if let next = wheel.nextMoment(), let first = expected.map(\.due).min() {
          #expect(next.milliseconds <= first && next.milliseconds > now)
        }
      }
    }
    #expect(wheel.count == expected.count)
  }
}
