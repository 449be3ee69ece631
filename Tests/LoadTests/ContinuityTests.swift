import Bytes
import Testing

@testable import Load

@Suite struct ContinuityTests {
  private func mark(_ id: String) -> EventMark? { EventMark(Array(id.utf8).span) }

  private func findings(_ ids: [String]) throws -> [Continuity.Finding] {
    var continuity = Continuity()
    return try ids.map { continuity.take(try #require(mark($0))) }
  }

  @Test func `ids of the form name, dot, number are marks, others are not`() {
    #expect(mark("abc.12")?.sequence == 12)
    #expect(mark("a.b.3")?.sequence == 3)
    #expect(mark("a.1")?.stream == mark("a.2")?.stream)
    #expect(mark("a.1")?.stream != mark("b.1")?.stream)
    for id in ["", "12", ".12", "abc", "abc.", "abc.x", "abc.1x", "a.1234567890123456789"] { #expect(mark(id) == nil) }
  }

  @Test func `losses and repetitions are found`() throws {
    #expect(try findings(["r.1", "r.2", "r.5", "r.6"]) == [.expected, .expected, .lost(2), .expected])
    #expect(
      try findings(["r.1", "r.2", "r.2", "r.1", "r.3"])
        == [.expected, .expected, .duplicated, .duplicated, .expected])
  }

  @Test func `another name begins another stream`() throws {
    #expect(try findings(["r.9", "q.4", "q.6"]) == [.expected, .expected, .lost(1)])
  }

  @Test func `an id without an event begins a stream but does not excuse a loss within one`() throws {
    var continuity = Continuity()
    var findings: [Continuity.Finding] = []
    continuity.begin(try #require(mark("r.0")))
    findings.append(continuity.take(try #require(mark("r.3"))))
    continuity.begin(try #require(mark("r.7")))
    findings.append(continuity.take(try #require(mark("r.8"))))
    continuity.forget()
    findings.append(continuity.take(try #require(mark("r.20"))))
    #expect(findings == [.lost(2), .lost(4), .expected])
  }

  @Test func `the delay behind the first reader is measured for each event`() {
    var fanOut = FanOut()
    let arrivals: [(UInt64, UInt64)] = [(11, 100), (12, 150), (11, 130), (11, 170), (12, 151)]
    #expect(arrivals.map { fanOut.take($0, at: $1) } == [nil, nil, 30, 70, 1])
  }
}
