import Reactor
import Wire

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
  /// An event of the feed is not the one after the last.
  case unexpectedPlace
  /// Events came after the last one.
  case eventAfterLast
  /// The answer ended cleanly, but too early.
  case endedEarly(after: Int, of: Int)
  /// Bytes came after the answer's end that nobody had asked for.
  case bytesAfterEnd
  /// The run was still going on long after it should have ended, or events of the feed had not come.
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
    case .unexpectedPlace: "events of the feed are missing or doubled"
    case .eventAfterLast: "an event after the last one"
    case .endedEarly(let count, let expected): "ended after \(count) of \(expected) events"
    case .bytesAfterEnd: "bytes after the end of the answer"
    case .late(let count): "not ended in time, after \(count) events"
    }
  }
}
