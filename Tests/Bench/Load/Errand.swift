import Reactor
import Wire

/// What a member of a crowd comes for, run after run, and the judgement on what it gets.
protocol Errand {
  /// Begins another run.
  ///
  /// - Parameter name: the run's, unlike that of any other.
  /// - Returns: the request.
  mutating func begin(_ name: [UInt8]) -> [UInt8]

  /// Takes the next event.
  ///
  /// - Returns: when it was sent.
  /// - Throws: `RunDefect` where it is not the next event of this very run; nothing after it can be judged.
  mutating func take(_ event: StreamEvent) throws(RunDefect) -> Instant

  /// Whether the client has what it came for, and leaves in the middle of the answer.
  var isDone: Bool { get }

  /// Takes note of the answer's clean end.
  ///
  /// - Throws: `RunDefect` where events are missing.
  func end() throws(RunDefect)
}
