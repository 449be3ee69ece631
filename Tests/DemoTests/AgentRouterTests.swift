import Testing

@testable import Demo

@Suite struct AgentRouterTests {
  @Test(
    "a message is answered by the agent that it is for",
    arguments: [
      ("What's 2+2?", Agent.math), ("7 * (3 - 1)", .math), ("two plus two", .math), ("42", .math), ("2 +", .math),
      ("what is 3 apples + 4", .math), ("-(", .guide),
      ("echo hello", .echo), ("Echo: 2+2", .echo), ("ECHO", .echo), ("echo tell me a story", .echo),
      ("is there an echo", .guide),
      ("Tell me a story", .story), ("something LONG, please", .story), ("along the way", .guide),
      ("fail", .fail), ("Fail halfway", .fail), ("stall", .stall), ("please stall now", .stall),
      ("crash mid-answer", .crash), ("Crash!", .crash),
      ("hello", .guide), ("", .guide), ("   \n", .guide), ("my 3 cats", .guide), ("+", .guide), ("👋🏽", .guide),
    ])
  func chooses(message: String, expected: Agent) {
    #expect(AgentRouter.agent(for: message) == expected)
  }

  @Test(
    "an echo repeats what follows the word, exactly",
    arguments: [
      ("echo hello", "hello"), ("Echo: hello  there\n", "hello  there\n"), ("  echo\tq\"\\", "q\"\\"),
      ("echo 👩‍👩‍👧 é", "👩‍👩‍👧 é"), ("echo :) smile", ":) smile"),
      ("echo", "Write something after the word echo, and I repeat it."),
      ("echo: ", "Write something after the word echo, and I repeat it."),
    ])
  func echoes(message: String, expected: String) {
    #expect(Agent.echo.reply(to: message) == AgentReply(text: expected, ending: .completed))
  }

  @Test func `a message is read to its longest length`() throws {
    let beginning = "echo "
    let longest = beginning + String(repeating: "w", count: AgentRouter.longestMessageBytes - beginning.utf8.count)
    let answer = try played(AgentRouter.script(for: longest))
    #expect(answer.text == String(longest.dropFirst(beginning.count)))
  }

  @Test(
    "a message that is too long is refused by the guide and repeated only in part",
    arguments: ["w", "é", "👩‍👩‍👧", "\u{301}"])
  func tooLong(filling: String) throws {
    let message = "echo " + String(repeating: filling, count: AgentRouter.longestMessageBytes)
    let answer = try played(AgentRouter.script(for: message))
    #expect(answer.agent == "guide")
    #expect(answer.text.contains("\(message.utf8.count) bytes"))
    #expect(answer.message.utf8.count <= AgentRouter.longestMessageBytes)
    #expect(message.unicodeScalars.starts(with: answer.message.unicodeScalars))
  }
}
