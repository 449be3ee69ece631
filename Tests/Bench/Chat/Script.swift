import Bytes
import Reactor

/// The events of one chat run, as the stand-in orchestrator sends them and every client must get them.
///
/// Each event names its place in the run and the run itself, and says when it was sent; all else is fixed. So a client
/// can compare every byte: an event that is lost, doubled, moved, changed or somebody else's is found.
struct Script: Sendable {
  private struct Event: Sendable {
    /// The JSON before the name of the run.
    var head: [UInt8] = []
    /// The JSON after the moment of sending.
    var tail: [UInt8] = []
  }

  /// How many events a run has before the first piece of its response.
  static let preludeEvents = 3
  private static let opening: StaticString = "data: "
  private static let beforeMoment: StaticString = #"","sent":""#
  private let events: [Event]

  /// Three events about routing, so many chunks of a response that the count is met, and the completed response.
  ///
  /// - Parameter count: how many events, at least five.
  init(events count: Int) {
    precondition(count >= Script.preludeEvents + 2, "a run has a prelude, a response chunk and an end")
    events = (0..<count).map { Script.event(at: $0, of: count) }
  }

  /// How many events a run has.
  var count: Int { events.count }

  /// Appends one event in the form of an event stream.
  ///
  /// - Parameters:
  ///   - place: which one, from 0.
  ///   - run: the name of the run; nothing that JSON would escape.
  ///   - moment: now.
  ///   - output: where to.
  func append(_ place: Int, run: Span<UInt8>, sent moment: Instant, to output: inout [UInt8]) {
    let event = events[place]
    output.append(Self.opening)
    output.append(event.head.span)
    output.append(run)
    output.append(Self.beforeMoment)
    output.append(decimal: moment.nanoseconds)
    output.append(event.tail.span)
    output.append("\n\n")
  }

  /// When an event was sent.
  ///
  /// - Parameters:
  ///   - data: the data of the event.
  ///   - place: where in the run it stands, from 0.
  ///   - run: the name of the run.
  /// - Returns: the moment; `nil` where any byte is not that of this event of this run.
  func momentSent(in data: Span<UInt8>, place: Int, run: Span<UInt8>) -> Instant? {
    let event = events[place]
    let runEnd = event.head.count + run.count
    let digits = runEnd + Self.beforeMoment.utf8CodeUnitCount
    let tail = data.count - event.tail.count
    guard digits < tail,
      data.extracting(..<event.head.count).equals(event.head.span),
      data.extracting(event.head.count..<runEnd).equals(run),
      data.extracting(runEnd..<digits).equals(Self.beforeMoment),
      data.extracting(tail...).equals(event.tail.span)
    else { return nil }
    var nanoseconds: UInt64 = 0
    for index in digits..<tail {
      guard let digit = ASCII.digit(data[index]) else { return nil }
      nanoseconds = nanoseconds &* 10 &+ UInt64(digit)
    }
    return Instant(nanoseconds: nanoseconds)
  }

  // MARK: - Texts

  private static func event(at place: Int, of count: Int) -> Event {
    switch place {
    case 0: event("routing_started", place, #","message":"How do streams reach a browser?"}"#)
    case 1: event("routing_completed", place, #","agent":"search","reason":"the question is about facts"}"#)
    case 2: event("agent_execution_started", place, #","agent":"search"}"#)
    case count - 1: event("completed", place, response("That is the whole answer, in one piece again."))
    default: event("response_chunk", place, response("so many words arrive at a time,\(Script.blanks(place)) "))
    }
  }

  private static func event(_ name: String, _ place: Int, _ tail: String) -> Event {
    var event = Event()
    event.head.append(#"{"event":""# + name + #"","place":""# + "\(place)" + #"","run":""#)
    event.tail.append("\"" + tail)
    return event
  }

  /// Text where the agent-to-agent protocol has it: in the parts of a message.
  private static func response(_ text: String) -> String {
    #","protocol":"a2a","response_data":{"raw_response":{"parts":[{"kind":"text","text":""# + text + #""}]}}}"#
  }

  /// Makes up for the digits of the place, so that all chunks have one length of about 200 bytes.
  private static func blanks(_ place: Int) -> String {
    String(repeating: " ", count: max(0, 4 - "\(place)".utf8.count))
  }
}
