import Bytes
import Wire

/// A request as it travels: written by clients, read by the stand-in orchestrator.
///
/// A POST begins a run; its message is the name that the client gives the run, which every event of the answer repeats.
/// A GET asks for the feed.
struct Request {
  private static let limits = HeadLimits(headBytes: 16 * 1024, targetBytes: 8 * 1024)
  private static let target = Array("/process/stream".utf8)
  private static let member = Array("message".utf8)

  private var input: [UInt8] = []
  private var parser = RequestHeadParser(limits: limits)
  /// What takes the framing off the body, once the head is whole.
  private var decoder: BodyDecoder?
  private var body: [UInt8] = []
  private var asked = Asked.feed(resumes: false)

  /// The bytes of a request for the feed.
  ///
  /// - Parameters:
  ///   - path: where a server has the feed.
  ///   - lastID: the place of the last event that the client has had, if it resumes.
  /// - Returns: the head; there is no body.
  static func encoded(path: String, lastID: UInt64? = nil) -> [UInt8] {
    var fields = FieldSection()
    fields.append("Host", "bench.example")
    fields.append("Accept", "text/event-stream")
    if let lastID { fields.append("Last-Event-ID", "\(lastID)") }
    var request: [UInt8] = []
    HTTP1Encoder.appendRequest(
      method: .get, target: path.utf8Span.span, fields: fields, framing: .none, to: &request)
    return request
  }

  /// The bytes of a chat request.
  ///
  /// - Parameter run: the name of the run.
  /// - Returns: head and body.
  static func encoded(run: Span<UInt8>) -> [UInt8] {
    var body: [UInt8] = []
    body.append(#"{"message":"#)
    JSONScanner.append(quoted: run, to: &body)
    body.append("}")
    var fields = FieldSection()
    fields.append("Host", "bench.example")
    fields.append("Content-Type", "application/json")
    fields.append("Accept", "text/event-stream")
    var request: [UInt8] = []
    HTTP1Encoder.appendRequest(
      method: .post, target: target.span, fields: fields, framing: .length(UInt64(body.count)), to: &request)
    request.append(body.span)
    return request
  }

  /// Takes what was received; the next request on the connection may follow once this one was given.
  ///
  /// - Returns: what is asked for once the request is whole, `nil` before.
  /// - Throws: `HTTPViolation` where it is no HTTP request; close the connection.
  mutating func receive(_ bytes: Span<UInt8>) throws(HTTPViolation) -> Asked? {
    var received: [UInt8] = []
    swap(&received, &input)
    received.append(bytes)
    var offset = 0
    if decoder == nil {
      guard let (head, consumed) = try parser.parse(received.span) else {
        swap(&received, &input)
        return nil
      }
      decoder = BodyDecoder(framing: try head.bodyFraming())
      asked = head.method == .post ? .run([]) : .feed(resumes: head.fields.count(of: .lastEventID) > 0)
      offset = consumed
    }
    while true {
      switch try decoder?.next(in: received.span, at: &offset) {
      case .payload(let range): body.append(received.span.extracting(range))
      case .needMore, nil: return nil
      case .complete: return takeAsked()
      }
    }
  }

  /// A run's name is its message; empty where there is none, which no client takes for its run.
  private mutating func takeAsked() -> Asked {
    let text = body
    body.removeAll(keepingCapacity: true)
    decoder = nil
    guard case .run = asked else { return asked }
    guard let range = JSONScanner.topLevelString(Self.member.span, of: text.span) else { return .run([]) }
    return .run([UInt8](text.span.extracting(range)))
  }
}
