import Testing

@testable import Load

@Suite struct NextStepTests {
  private func plan(_ mode: Plan.Mode, reconnects: Bool) throws -> Plan {
    var options = LoadOptions()
    options.urls = ["http://127.0.0.1/"]
    options.mode = mode.rawValue
    options.reconnects = reconnects
    options.reconnectDelay = reconnects ? "2s" : nil
    options.think = mode == .chat ? "5s" : "0"
    options.backoff = "8s"
    return try options.plan { option, file throws(LoadError) in [] }
  }

  private func step(
    _ mode: Plan.Mode, _ ending: Ending, reconnects: Bool = false, isResuming: Bool = false,
    hints: NextStep.Hints = NextStep.Hints()
  ) throws -> NextStep {
    NextStep.after(ending, isResuming: isResuming, try plan(mode, reconnects: reconnects), hints)
  }

  @Test func `a chat goes on with the next request after its think time`() throws {
    for ending in [Ending.completed, .ended, .cut, .noContent] {
      #expect(try step(.chat, ending) == .request(after: .seconds(5)))
    }
    #expect(try step(.chat, .refused(status: 503)) == .request(after: .seconds(8)))
    #expect(try step(.chat, .failed(.connectRefused)) == .request(after: .seconds(8)))
  }

  @Test func `a chat that breaks off is resumed where the plan says so, one that ended is not`() throws {
    #expect(try step(.chat, .cut, reconnects: true) == .resume(after: .seconds(2)))
    #expect(try step(.chat, .ended, reconnects: true) == .request(after: .seconds(5)))
    #expect(try step(.chat, .refused(status: 503), reconnects: true, isResuming: true) == .resume(after: .seconds(8)))
    #expect(try step(.chat, .refused(status: 403), reconnects: true, isResuming: true) == .request(after: .seconds(8)))
    #expect(try step(.chat, .failed(.reset), reconnects: true, isResuming: true) == .resume(after: .seconds(8)))
  }

  @Test func `a subscriber leaves with its stream, or comes back`() throws {
    for ending in [Ending.ended, .cut, .refused(status: 503), .failed(.timeout)] {
      #expect(try step(.subscribe, ending) == .leave)
    }
    #expect(try step(.subscribe, .ended, reconnects: true) == .resume(after: .seconds(2)))
    #expect(try step(.subscribe, .failed(.timeout), reconnects: true) == .resume(after: .seconds(8)))
    #expect(try step(.subscribe, .noContent, reconnects: true) == .leave)
    #expect(try step(.subscribe, .refused(status: 404), reconnects: true) == .leave)
    #expect(try step(.subscribe, .failed(.notAStream), reconnects: true) == .leave)
  }

  @Test func `the server's words about waiting count, and a quarter at most is added`() throws {
    let hints = NextStep.Hints(retry: .seconds(4), retryAfter: .seconds(40), jitter: 0.5)
    #expect(try step(.subscribe, .cut, reconnects: true, hints: hints) == .resume(after: .milliseconds(4500)))
    #expect(try step(.subscribe, .refused(status: 429), reconnects: true, hints: hints) == .resume(after: .seconds(45)))
    #expect(
      try step(.subscribe, .refused(status: 200), reconnects: true, hints: hints)
        == .resume(after: .milliseconds(4500)))
    #expect(try step(.chat, .refused(status: 429), hints: hints) == .request(after: .seconds(45)))
  }
}
