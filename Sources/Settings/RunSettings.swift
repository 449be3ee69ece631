/// A route that starts or joins runs: one orchestrator request and its answer.
public struct RunSettings: Sendable, Equatable {
  /// The name of the upstream that answers.
  public var upstream: String
  /// The method of the request to it, `POST` or `PUT`.
  public var method: String
  /// The path of the request to it.
  public var path: String
  /// How long a POST client's answer waits for the orchestrator's status before the stream begins without it; 0 to 30 s.
  public var answerAfter: Duration

  /// Puts a run's settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - upstream: the name of the upstream that answers.
  ///   - method: the method of the request to it.
  ///   - path: the path of the request to it.
  ///   - answerAfter: how long a POST client's answer waits for the orchestrator's status.
  public init(upstream: String, method: String, path: String, answerAfter: Duration) {
    self.upstream = upstream
    self.method = method
    self.path = path
    self.answerAfter = answerAfter
  }

  /// The method where none is given.
  public static let defaultMethod = "POST"
  /// The time for a status where none is given: an orchestrator that refuses does so at once.
  public static let defaultAnswerAfter = Duration.milliseconds(100)
}
