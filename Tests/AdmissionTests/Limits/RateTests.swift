import Testing

@testable import Admission

@Suite struct RateTests {
  @Test(arguments: [("1/s", 1, Rate.Unit.second), ("600/m", 600, .minute), ("1000000/h", 1_000_000, .hour)])
  func `a rate is a number and a unit`(text: String, count: Int, unit: Rate.Unit) {
    #expect(Rate(text) == Rate(count: count, unit: unit))
    #expect(Rate(text)?.description == text)
  }

  @Test(arguments: [
    "", "/", "/s", "10", "10/", "10/d", "10/S", "10 /s", "10/ s", " 10/s", "10/s ", "0/s", "-1/s", "+1/s", "1.5/s",
    "1000001/s", "10/s/s", "10//s", "٣/s", "99999999999999999999/s", "10s",
  ])
  func `everything else is none`(text: String) {
    #expect(Rate(text) == nil)
  }

  @Test(arguments: [("10/s", 10), ("1/s", 1), ("60/m", 1), ("61/m", 2), ("600/m", 10), ("1/h", 1), ("3601/h", 2)])
  func `the burst is what comes in a second, rounded up`(text: String, burst: Int) throws {
    #expect(try #require(Rate(text)).defaultBurst == burst)
  }

  @Test(
    arguments: [
      ("10/s", .seconds(5), 50), ("10/s", .milliseconds(101), 2), ("1/m", .seconds(60), 1), ("1/m", .seconds(61), 2),
      ("1000000/h", .zero, 0), ("1/s", .nanoseconds(1), 1), ("1/s", .seconds(-1), 0),
    ] as [(String, Duration, Int)])
  func `how many come in a time is rounded up`(text: String, time: Duration, count: Int) throws {
    #expect(try #require(Rate(text)).count(in: time) == count)
  }
}
