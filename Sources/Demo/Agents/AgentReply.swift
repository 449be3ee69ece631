/// What an agent says, and how it ends.
struct AgentReply: Equatable {
  /// The ways in which an answer can end.
  enum Ending: Equatable {
    /// In order: the `completed` event repeats the whole text.
    case completed
    /// With an `error` event of the agent: a word for programs and a sentence for people.
    case failed(reason: String, message: String)
    /// Never: the agent falls silent with the connection open.
    case stalled
    /// Not in order: the connection is cut.
    case crashed
  }

  /// All that is said before the end; never empty.
  let text: String
  /// How it ends.
  let ending: Ending
}
