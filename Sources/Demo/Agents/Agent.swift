// Who can be chosen: the agents of the demo, by the names that appear in the events.

/// An agent of the demo.
enum Agent: String, CaseIterable {
  /// Computes.
  case math
  /// Repeats.
  case echo
  /// Tells something long.
  case story
  /// Gives up in the middle of its answer, and says so.
  case fail
  /// Falls silent in the middle of its answer.
  case stall
  /// Is cut off in the middle of its answer.
  case crash
  /// Says what the others can do.
  case guide

  /// Why the router chose it, in a few words.
  var reason: String {
    switch self {
    case .math: "the message is a calculation"
    case .echo: "the message begins with echo"
    case .story: "the message asks for a long text"
    case .fail: "the message asks for a failure"
    case .stall: "the message asks for a stall"
    case .crash: "the message asks for a crash"
    case .guide: "no other agent knows this kind of message"
    }
  }

  /// What the agent says to a message.
  func reply(to message: String) -> AgentReply {
    switch self {
    case .math:
      AgentReply(text: MathAgent.answer(to: message), ending: .completed)
    case .echo:
      AgentReply(text: Self.echo(of: message), ending: .completed)
    case .story:
      AgentReply(text: Story.text, ending: .completed)
    case .fail:
      AgentReply(
        text: "Let me look that up. I am asking the gauge at the old bridge for the level of the water, and it says ",
        ending: .failed(reason: "tool_failed", message: "the gauge at the old bridge does not answer"))
    case .stall:
      AgentReply(
        text: "Give me a moment to think about that. I have an idea, and as soon as I ",
        ending: .stalled)
    case .crash:
      AgentReply(
        text: "I know this one. The answer is quite simple, you only have to ",
        ending: .crashed)
    case .guide:
      AgentReply(text: Self.guidance, ending: .completed)
    }
  }

  private static let guidance = """
    I am a demo with a handful of agents behind one gateway. Write one of these:

    What's 2+2? or any sum with + - * / ^ % and parentheses
    echo, and some words to repeat
    tell me a long story, to watch an answer arrive word by word
    fail, to see an agent report an error
    stall, to see the gateway end an answer that never comes
    crash, to see it end an answer that was cut off
    """

  /// What follows the word `echo`, exactly as it was written.
  private static func echo(of message: String) -> String {
    let afterWord = message.drop { !$0.isLetter }.dropFirst("echo".count)
    let rest = afterWord.first == ":" ? afterWord.dropFirst() : afterWord
    let text = rest.drop(while: \.isWhitespace)
    return text.isEmpty ? "Write something after the word echo, and I repeat it." : String(text)
  }
}
