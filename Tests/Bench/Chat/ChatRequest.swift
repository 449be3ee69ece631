import Bytes
import Wire

/// A chat request as it travels: written by clients, read by the stand-in orchestrator.
///
/// Its message is the name that the client gives the run, which every event of the answer repeats.
struct ChatRequest {
  private static let limits = HeadLimits(headBytes: 16 * 1024, targetBytes: 8 * 1024)
  private static let target = Array("/process/stream".utf8)
  private static let member = Array("message".utf8)

  private var input: [UInt8] = []
  private var parser = RequestHeadParser(limits: limits)
  /// What takes the framing off the body, once the head is whole.
  private var decoder: BodyDecoder?
  private var body: [UInt8] = []

  /// The bytes of a request.
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
  /// - Returns: the name of the run once the request is whole, `nil` before.
  /// - Throws: `HTTPViolation` where it is no HTTP request; close the connection.
  mutating func receive(_ bytes: Span<UInt8>) throws(HTTPViolation) -> [UInt8]? {
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
      offset = consumed
    }
    while true {
      switch try decoder?.next(in: received.span, at: &offset) {
      case .payload(let range): body.append(received.span.extracting(range))
      case .needMore, nil: return nil
      case .complete: return takeRun()
      }
    }
  }

  /// The message; empty where there is none, which no client takes for its run.
  private mutating func takeRun() -> [UInt8] {
    let text = body
    body.removeAll(keepingCapacity: true)
    decoder = nil
    guard let range = JSONScanner.topLevelString(Self.member.span, of: text.span) else { return [] }
    return [UInt8](text.span.extracting(range))
  }
}
