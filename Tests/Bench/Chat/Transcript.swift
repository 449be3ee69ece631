import Reactor
import Wire

/// What one client has got of one run, and the judgement on it.
struct Transcript {
  private let script: Script
  /// The name of the run, which the client chose.
  let run: [UInt8]
  /// How many events have come.
  private(set) var count = 0

  /// Nothing has come yet.
  init(of run: [UInt8], script: Script) {
    self.run = run
    self.script = script
  }

  /// Takes the next event.
  ///
  /// - Returns: when it was sent.
  /// - Throws: `RunDefect` where it is not the next event of this very run; nothing after it can be judged.
  mutating func take(_ event: StreamEvent) throws(RunDefect) -> Instant {
    guard count < script.count else { throw .eventAfterLast }
    guard let moment = script.momentSent(in: event.data.span, place: count, run: run.span) else {
      throw .unexpectedEvent(place: count)
    }
    count += 1
    return moment
  }

  /// Takes note of the answer's clean end.
  ///
  /// - Throws: `RunDefect` where events are missing.
  func end() throws(RunDefect) {
    guard count == script.count else { throw .endedEarly(after: count, of: script.count) }
  }
}

/// Why a run was not what it should have been.
enum RunDefect: Error, CustomStringConvertible {
  /// No connection was made.
  case unreachable(SystemError)
  /// The connection broke before the answer's end.
  case broken(SystemError)
  /// The server closed the connection before the answer's end.
  case cut(after: Int)
  /// The answer was not 200.
  case status(Int)
  /// The answer is not HTTP/1.1.
  case malformed(HTTPViolation)
  /// The answer is not a stream of events of the size sent.
  case stream(StreamViolation)
  /// An event was not the one expected at its place, or not byte for byte.
  case unexpectedEvent(place: Int)
  /// Events came after the last one.
  case eventAfterLast
  /// The answer ended cleanly, but too early.
  case endedEarly(after: Int, of: Int)
  /// Bytes came after the answer's end that nobody had asked for.
  case bytesAfterEnd
  /// The run was still going on long after it should have ended.
  case late(after: Int)

  /// What was wrong; the same words for the same defect, so that they can be counted.
  var description: String {
    switch self {
    case .unreachable(let error): "unreachable: \(error)"
    case .broken(let error): "connection broken: \(error)"
    case .cut(let count): "connection closed after \(count) events"
    case .status(let status): "status \(status)"
    case .malformed(let violation): "malformed answer: \(violation.reason)"
    case .stream(let violation): violation.reason
    case .unexpectedEvent(let place): "not the expected bytes at place \(place)"
    case .eventAfterLast: "an event after the last one"
    case .endedEarly(let count, let expected): "ended after \(count) of \(expected) events"
    case .bytesAfterEnd: "bytes after the end of the answer"
    case .late(let count): "not ended in time, after \(count) events"
    }
  }
}
