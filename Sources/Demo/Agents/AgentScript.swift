// What an agent will do, decided in full before the first byte is sent.

/// The answer of a demo agent to one message: events in their order, each after a pause.
///
/// A pure value, the same for the same message: whoever plays it brings the clock and the connection. It ends with exactly
/// one terminal event (`completed` or `error`), or with a step that is not an event at all.
/// *Bound:* one step per word of the answer and four around it; `AgentRouter.longestMessageBytes` bounds an echo.
public struct AgentScript: Sendable {
  /// One thing that the agent does.
  public struct Step: Sendable {
    /// How long the agent is silent before it, in milliseconds, at most 500.
    public let pauseMilliseconds: Int
    /// What it does then.
    public let body: StepBody
  }

  /// What a step does to the answer.
  public enum StepBody: Sendable {
    /// Sends one event: its JSON text in UTF-8 on a single line, without any framing.
    case event([UInt8])
    /// Says nothing any more and keeps the connection open. Always the last step.
    case stall
    /// Cuts the connection in the middle of the answer. Always the last step.
    case abort
  }

  /// The steps, in the order in which they are played; never empty.
  public let steps: [Step]

  /// Writes the script of one conversation.
  ///
  /// - Parameters:
  ///   - message: what was asked; it also seeds the pauses.
  ///   - agent: who was chosen to answer.
  ///   - reply: what that agent says and how it ends.
  init(message: String, agent: Agent, reply: AgentReply) {
    var pacing = Pacing(message: message)
    var steps: [Step] = []
    func play(after pause: ClosedRange<Int>, _ event: AgentEvent) {
      steps.append(Step(pauseMilliseconds: pacing.milliseconds(in: pause), body: .event(event.json)))
    }

    play(after: 0...0, .routingStarted(message: message))
    play(after: 90...220, .routingCompleted(agent: agent))
    play(after: 20...60, .agentExecutionStarted(agent: agent))
    var previous: Substring = ""
    for chunk in Self.chunks(of: reply.text) {
      play(after: Self.pause(after: previous), .responseChunk(text: chunk))
      previous = chunk
    }
    switch reply.ending {
    case .completed:
      play(after: 15...60, .completed(text: reply.text))
    case .failed(let reason, let message):
      play(after: 300...500, .error(reason: reason, message: message))
    case .stalled:
      steps.append(Step(pauseMilliseconds: 0, body: .stall))
    case .crashed:
      steps.append(Step(pauseMilliseconds: 0, body: .abort))
    }
    self.steps = steps
  }

  /// Cuts a text into words, each with the white space that follows it, so that the pieces add up to the text.
  private static func chunks(of text: String) -> [Substring] {
    var chunks: [Substring] = []
    var start = text.startIndex
    var afterSpace = false
    for index in text.indices {
      let isSpace = text[index].isWhitespace
      if afterSpace && !isSpace {
        chunks.append(text[start..<index])
        start = index
      }
      afterSpace = isSpace
    }
    if start < text.endIndex { chunks.append(text[start...]) }
    return chunks
  }

  /// The silence before a word: longer after the end of a sentence or a clause, as if somebody drew breath.
  private static func pause(after previous: Substring) -> ClosedRange<Int> {
    guard let last = previous.last(where: { !$0.isWhitespace }) else { return 150...350 }
    switch last {
    case ".", "?", "!": return 45...60
    case ",", ":", ";": return 30...50
    default: return 15...40
    }
  }
}
