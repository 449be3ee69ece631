// Which agent answers which message.

/// The demo's orchestrator: reads a message, chooses an agent and writes down what that agent will do.
public enum AgentRouter {
  /// The longest message that an agent reads, in bytes of UTF-8; a longer one is answered by the guide.
  public static let longestMessageBytes = 2_000

  /// The script that answers a message.
  ///
  /// - Parameter message: any text, the empty one included. Of one that is too long the script repeats only the beginning.
  /// - Returns: the same script for the same message.
  public static func script(for message: String) -> AgentScript {
    let length = message.utf8.count
    guard length <= longestMessageBytes else {
      // A scalar takes at most four bytes.
      let beginning = String(message.unicodeScalars.prefix(longestMessageBytes / 4))
      let reply = AgentReply(
        text: "That message has \(length) bytes. The agents of this demo read up to \(longestMessageBytes).",
        ending: .completed)
      return AgentScript(message: beginning, agent: .guide, reply: reply)
    }
    let agent = agent(for: message)
    return AgentScript(message: message, agent: agent, reply: agent.reply(to: message))
  }

  /// The agent that a message is for: `echo` by its first word, the others by any word, `math` by what looks like a sum.
  static func agent(for message: String) -> Agent {
    let words = message.lowercased().split { !$0.isLetter }
    if words.first == "echo" { return .echo }
    for word in words {
      switch word {
      case "fail", "fails", "failure": return .fail
      case "stall", "stalls", "hang": return .stall
      case "crash", "crashes", "die": return .crash
      case "story", "tale", "long": return .story
      default: continue
      }
    }
    return MathAgent.recognizes(message) ? .math : .guide
  }
}
