internal import Bytes
internal import Wire

/// The answer to one request, from its status line to its end.
///
/// Bytes in, findings out: it touches no socket, so that every way an answer can be cut is tested as values.
struct Answer {
  /// How far it has come.
  enum Phase: Equatable {
    /// The head is not complete.
    case head
    /// An event stream is being read: the stream is open.
    case stream
    /// A refusal whose body may name the limit.
    case problem
    /// The body of another answer, which nobody reads.
    case ignored
    /// Everything has come.
    case complete
  }

  /// What the answer was, once its head is there.
  enum Verdict: Equatable {
    /// The head has not come.
    case none
    /// 200 and an event stream.
    case stream
    /// 204: there is nothing more to come, a reader that resumes stops for good (WHATWG HTML §9.2.2).
    case noContent
    /// Any other status but 200.
    case refused(status: Int)
    /// 200, but of another media type or compressed.
    case notAStream
  }

  /// The most bytes of a head and of a problem's body.
  private static let limits = HeadLimits(headBytes: 64 * 1024, targetBytes: 1)

  private(set) var phase = Phase.head
  private(set) var verdict = Verdict.none
  /// Whether another request may follow on the connection.
  private(set) var persists = false
  /// How long the server asks a refused client to wait, in seconds.
  private(set) var retryAfterSeconds: Int?
  /// Whether any byte has come.
  private(set) var hasBegun = false
  private var body = BodyDecoder(framing: .none)
  /// The part of a head that has come, or a problem's body.
  private var held: [UInt8] = []

  /// An answer of which nothing has come.
  init() {}

  /// The name of the limit in a problem's body (RFC 9457, extension member `limit`).
  var limit: String? {
    guard case .refused = verdict, !held.isEmpty else { return nil }
    return LimitName.read(held.span)
  }

  /// Reads on.
  ///
  /// - Parameters:
  ///   - bytes: what the socket gave.
  ///   - form: what was asked and which answers count as streams.
  ///   - events: is given the pieces of an event stream.
  /// - Throws: `HTTPViolation`; the connection can't be used any more.
  mutating func read(
    _ bytes: Span<UInt8>, _ form: AnswerForm, events: (Span<UInt8>) -> Void
  ) throws(HTTPViolation) {
    hasBegun = true
    var offset = 0
    while phase == .head, offset < bytes.count { try readHead(bytes, &offset, form) }
    while phase != .head {
      switch try body.next(in: bytes, at: &offset) {
      case .payload(let range):
        if phase == .stream {
          events(bytes.extracting(range))
        } else if phase == .problem {
          hold(bytes.extracting(range))
        }
      case .needMore: return
      case .complete:
        phase = .complete
        // What follows an answer that nobody asked for makes the connection useless.
        if offset < bytes.count { persists = false }
        return
      }
    }
  }

  /// Takes note that the connection has ended.
  ///
  /// - Returns: whether the answer had come as a whole.
  mutating func finish() -> Bool {
    guard phase != .head, body.finish() else { return false }
    phase = .complete
    persists = false
    return true
  }

  private mutating func readHead(_ bytes: Span<UInt8>, _ offset: inout Int, _ form: AnswerForm) throws(HTTPViolation) {
    // A head that comes in pieces is rare, and is read from its start again.
    var parser = ResponseHeadParser(limits: Self.limits)
    if held.isEmpty {
      guard let (head, consumed) = try parser.parse(bytes.extracting(offset...)) else {
        held.append(bytes.extracting(offset...))
        offset = bytes.count
        return
      }
      offset += consumed
      return try begin(head, form)
    }
    let before = held.count
    held.append(bytes.extracting(offset...))
    guard let (head, consumed) = try parser.parse(held.span) else {
      offset = bytes.count
      return
    }
    offset += consumed - before
    held = []
    try begin(head, form)
  }

  private mutating func begin(_ head: ResponseHead, _ form: AnswerForm) throws(HTTPViolation) {
    guard !head.isInterim else { return }
    let framing = try head.bodyFraming(for: form.method)
    body = BodyDecoder(framing: framing)
    persists = head.persistsConnection && framing != .untilClose
    verdict = Self.verdict(head, form)
    switch verdict {
    case .stream: phase = .stream
    case .refused: phase = Self.isProblem(head) ? .problem : .ignored
    case .none, .noContent, .notAStream: phase = .ignored
    }
    retryAfterSeconds = Self.retryAfter(head.fields)
    if body.isComplete { phase = .complete }
  }

  private mutating func hold(_ bytes: Span<UInt8>) {
    held.append(bytes.extracting(..<min(bytes.count, Self.limits.headBytes - held.count)))
  }

  private static func verdict(_ head: ResponseHead, _ form: AnswerForm) -> Verdict {
    switch head.status {
    case 200:
      guard head.fields.first(.contentEncoding) == nil else { return .notAStream }
      return form.acceptsAnyType || mediaType(head.fields) == "text/event-stream" ? .stream : .notAStream
    case 204: return .noContent
    default: return .refused(status: head.status)
    }
  }

  private static func mediaType(_ fields: FieldSection) -> String {
    fields.first(.contentType).map { MediaType.essence(of: fields.bytes.span.extracting($0)) } ?? ""
  }

  private static func isProblem(_ head: ResponseHead) -> Bool {
    mediaType(head.fields) == "application/problem+json"
  }

  /// Seconds; a date counts as none (RFC 9110 §10.2.3).
  private static func retryAfter(_ fields: FieldSection) -> Int? {
    for index in 0..<fields.count {
      let field = fields[index]
      guard fields.bytes.span.extracting(field.nameRange).equalsIgnoringCase("retry-after") else { continue }
      return Int(String(fields.bytes.span.extracting(field.valueRange))).flatMap {
        (0...86_400).contains($0) ? $0 : nil
      }
    }
    return nil
  }
}

/// What all answers of a test have in common.
struct AnswerForm: Equatable, Sendable {
  /// What was asked.
  var method: Method
  /// Whether a 200 of any media type is read as an event stream.
  var acceptsAnyType: Bool
}
