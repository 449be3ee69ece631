import Reactor
import Wire

/// A chat run: the whole script is to come, and nothing else.
struct ChatErrand: Errand {
  private let script: Script
  private var run: [UInt8] = []
  /// How many events have come.
  private var count = 0

  /// Runs of this script.
  init(_ script: Script) {
    self.script = script
  }

  /// A run is over when its answer is.
  var isDone: Bool { false }

  mutating func begin(_ name: [UInt8]) -> [UInt8] {
    (run, count) = (name, 0)
    return Request.encoded(run: name.span)
  }

  mutating func take(_ event: StreamEvent) throws(RunDefect) -> Instant {
    guard count < script.count else { throw .eventAfterLast }
    guard let moment = script.momentSent(in: event.data.span, place: count, run: run.span) else {
      throw .unexpectedEvent(place: count)
    }
    count += 1
    return moment
  }

  func end() throws(RunDefect) {
    guard count == script.count else { throw .endedEarly(after: count, of: script.count) }
  }
}
