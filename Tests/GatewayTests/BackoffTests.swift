import Testing

@testable import Gateway

@Suite struct BackoffTests {
  private let bounds = Duration.milliseconds(100) ... .seconds(3)

  /// The longest times of the first attempts.
  private let ceilings: [Int64] = [100, 200, 400, 800, 1600, 3000, 3000, 3000]

  @Test func `times double up to the longest, and each is from the upper half`() {
    var shortest = ceilings.map { _ in Duration.seconds(10) }
    var longest = ceilings.map { _ in Duration.zero }
    for _ in 0..<2000 {
      var backoff = Backoff(bounds)
      for place in ceilings.indices {
        let time = backoff.next()
        shortest[place] = min(shortest[place], time)
        longest[place] = max(longest[place], time)
      }
    }
    for (place, ceiling) in ceilings.enumerated() {
      #expect(shortest[place] >= .milliseconds(ceiling / 2) && longest[place] <= .milliseconds(ceiling))
      // Of 2000 random times some lie near each end.
      #expect(shortest[place] < .milliseconds(ceiling * 6 / 10) && longest[place] > .milliseconds(ceiling * 9 / 10))
    }
  }

  @Test func `what is asked for is granted up to the longest time`() {
    var backoff = Backoff(bounds)
    #expect(backoff.next(atLeast: .seconds(2)) == .seconds(2))
    #expect(backoff.next(atLeast: .seconds(3)) == .seconds(3))
    #expect(backoff.next(atLeast: .seconds(4)) == .seconds(3))
    #expect(backoff.next(atLeast: .seconds(1_000_000_000)) == .seconds(3))
    // What is less than its own time changes nothing.
    #expect((Duration.milliseconds(800) ... .milliseconds(1600)).contains(backoff.next(atLeast: .milliseconds(1))))
  }

  @Test func `after a success it begins anew`() {
    var backoff = Backoff(bounds)
    for _ in 0..<10 { _ = backoff.next() }
    #expect(backoff.next() >= .milliseconds(1500))
    backoff.reset()
    for ceiling in ceilings { #expect(backoff.next() <= .milliseconds(ceiling)) }
  }

  @Test func `however often it failed, a time is within the bounds`() {
    for bounds in [bounds, .milliseconds(10) ... .milliseconds(10), .seconds(3600) ... .seconds(3600)] {
      var backoff = Backoff(bounds)
      for _ in 0..<1000 {
        let time = backoff.next()
        #expect(time >= bounds.lowerBound / 2 && time <= bounds.upperBound)
      }
      #expect(backoff.longest == bounds.upperBound)
    }
  }
}
