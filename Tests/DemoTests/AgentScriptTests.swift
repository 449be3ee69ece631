import Testing

@testable import Demo

@Suite struct AgentScriptTests {
  private static let messages = [
    "What's 2+2?", "5/0", "echo hello world",
    "echo \"quoted\" \\ back\\slash \u{0}\u{1f}\u{7f}\u{2028} \t tab\r\nline",
    "echo   \n two  spaces  ", "echo 👩‍👩‍👧 naïve \u{301} 中文字", "echo", "tell me a long story",
    "fail", "stall", "crash", "hello", "", "</script>", String(repeating: "x ", count: 5_000),
  ]

  @Test("every script begins with the routing and ends once", arguments: messages)
  func order(message: String) throws {
    let answer = try played(AgentRouter.script(for: message))
    #expect(answer.kinds.prefix(3) == ["routing_started", "routing_completed", "agent_execution_started"])
    #expect(answer.chunks > 0)
    let rest = answer.kinds.dropFirst(3)
    let terminal = rest.filter { $0 != "response_chunk" }
    if answer.cut != nil {
      #expect(terminal.isEmpty)
    } else {
      #expect(terminal.count == 1)
      #expect(rest.last == "completed" || rest.last == "error")
    }
  }

  @Test("the chunks of an answer add up to the completed text", arguments: messages)
  func addsUp(message: String) throws {
    let answer = try played(AgentRouter.script(for: message))
    guard let completed = answer.completedText else { return }
    #expect(Array(answer.text.utf8) == Array(completed.utf8))
  }

  @Test(
    "an agent that does not complete ends in its own way",
    arguments: [("fail", nil), ("stall", "stall"), ("crash", "abort")] as [(String, String?)])
  func ends(message: String, cut: String?) throws {
    let answer = try played(AgentRouter.script(for: message))
    #expect(answer.agent == message)
    #expect(answer.cut == cut)
    #expect(answer.completedText == nil)
    #expect(answer.chunks > 5)
    #expect((answer.error == nil) == (cut != nil))
  }

  @Test func `a failing agent names itself, a reason and a sentence`() throws {
    let error = try #require(try played(AgentRouter.script(for: "fail")).error)
    #expect(error["source"] == "agent")
    #expect(error["reason"] == "tool_failed")
    #expect(error["message"] == "the gauge at the old bridge does not answer")
  }

  @Test func `a message is repeated byte for byte, whatever is in it`() throws {
    let every = String(String.UnicodeScalarView((0..<0x250).compactMap(Unicode.Scalar.init)))
    let answer = try played(AgentRouter.script(for: every))
    #expect(Array(answer.message.utf8) == Array(every.utf8))
  }

  @Test func `a story is told word by word, at the pace of a reader`() throws {
    let script = AgentRouter.script(for: "tell me a long story")
    let answer = try played(script)
    #expect(answer.completedText == Story.text)
    #expect((380...450).contains(answer.chunks))
    // Three events come before the first word, and the first word after a moment of thought.
    let pauses = script.steps.dropFirst(4).map(\.pauseMilliseconds)
    #expect(pauses.allSatisfy { (15...60).contains($0) })
    #expect(Set(pauses).count > 20)
  }

  @Test("the same message is answered in the same way", arguments: messages)
  func deterministic(message: String) {
    let once = AgentRouter.script(for: message).steps.map(\.pauseMilliseconds)
    let again = AgentRouter.script(for: message).steps.map(\.pauseMilliseconds)
    #expect(once == again)
    #expect(once.allSatisfy { (0...500).contains($0) })
  }

  @Test func `another message is answered at another pace`() {
    let one = AgentRouter.script(for: "a long story").steps.map(\.pauseMilliseconds)
    let other = AgentRouter.script(for: "another long story").steps.map(\.pauseMilliseconds)
    #expect(one.count == other.count)
    #expect(one != other)
  }

  @Test("the guide's examples reach the agents that they name", arguments: Agent.allCases)
  func guidance(agent: Agent) throws {
    let examples = Agent.guide.reply(to: "").text.split(separator: "\n").dropFirst()
    let reached = Set(examples.map { AgentRouter.agent(for: String($0.prefix { $0 != "," && $0 != "?" })) })
    #expect(reached.contains(agent) || agent == .guide)
  }
}
