import Bytes
import Reactor
import Wire

/// The answer to one chat request, decoded and judged as it arrives.
struct Answer {
  private static let limits = HeadLimits(headBytes: 16 * 1024, targetBytes: 0)

  /// What has come of the run.
  private(set) var transcript: Transcript
  /// Whether the connection may be used again once the answer has ended.
  private(set) var persistsConnection = false
  private var input: [UInt8] = []
  private var parser = ResponseHeadParser(limits: limits)
  /// What takes the framing off the body, once the head is whole.
  private var body: BodyDecoder?
  private var events = SSEDecoder(maxEventBytes: 64 * 1024)

  /// An answer of which nothing has come yet.
  init(of run: [UInt8], script: Script) {
    transcript = Transcript(of: run, script: script)
  }

  /// Whether it has ended cleanly; `end` judges the whole then.
  var isComplete: Bool { body?.isComplete ?? false }

  /// Takes what was received.
  ///
  /// - Parameters:
  ///   - bytes: received bytes.
  ///   - note: told when each event was sent, in order.
  /// - Throws: `RunDefect` at the first byte that is not as it should be.
  mutating func receive(_ bytes: Span<UInt8>, note: (Instant) -> Void) throws(RunDefect) {
    if body != nil { return try receiveBody(bytes, note: note) }
    var received: [UInt8] = []
    swap(&received, &input)
    received.append(bytes)
    guard let consumed = try receiveHead(received.span) else { return swap(&received, &input) }
    try receiveBody(received.span.extracting(consumed...), note: note)
  }

  /// Judges an answer that has ended.
  ///
  /// - Throws: `RunDefect` where events are missing.
  func end() throws(RunDefect) {
    try transcript.end()
  }

  /// Takes the head, once it is whole, and says how many bytes it took.
  private mutating func receiveHead(_ bytes: Span<UInt8>) throws(RunDefect) -> Int? {
    let status: Int
    let length: Int
    do throws(HTTPViolation) {
      guard let (head, consumed) = try parser.parse(bytes) else { return nil }
      body = BodyDecoder(framing: try head.bodyFraming(for: .post))
      persistsConnection = head.persistsConnection
      (status, length) = (head.status, consumed)
    } catch {
      throw .malformed(error)
    }
    guard status == 200 else { throw .status(status) }
    return length
  }

  private mutating func receiveBody(_ bytes: Span<UInt8>, note: (Instant) -> Void) throws(RunDefect) {
    var offset = 0
    while offset < bytes.count {
      switch try nextStep(bytes, at: &offset) {
      case .payload(let range): try receiveEvents(bytes.extracting(range), note: note)
      case .needMore, nil: return
      case .complete: if offset < bytes.count { throw .bytesAfterEnd }
      }
    }
  }

  private mutating func nextStep(_ bytes: Span<UInt8>, at offset: inout Int) throws(RunDefect) -> BodyDecoder.Step? {
    do throws(HTTPViolation) {
      return try body?.next(in: bytes, at: &offset)
    } catch {
      throw .malformed(error)
    }
  }

  private mutating func receiveEvents(_ bytes: Span<UInt8>, note: (Instant) -> Void) throws(RunDefect) {
    var offset = 0
    while true {
      do throws(StreamViolation) {
        guard try events.next(in: bytes, at: &offset) else { return }
      } catch {
        throw .stream(error)
      }
      note(try transcript.take(events.event))
    }
  }
}
