import Bytes
import Reactor
import Wire

/// The answer to one request, decoded as it arrives.
struct Answer {
  private static let limits = HeadLimits(headBytes: 16 * 1024, targetBytes: 0)

  /// Whether the connection may be used again once the answer has ended.
  private(set) var persistsConnection = false
  private var input: [UInt8] = []
  private var parser = ResponseHeadParser(limits: limits)
  /// What takes the framing off the body, once the head is whole.
  private var body: BodyDecoder?
  private var events = SSEDecoder(maxEventBytes: 64 * 1024)

  /// An answer of which nothing has come yet.
  init() {}

  /// Whether its head is there, and good.
  var hasBegun: Bool { body != nil }

  /// Whether it has ended cleanly.
  var isComplete: Bool { body?.isComplete ?? false }

  /// Takes what was received.
  ///
  /// - Parameters:
  ///   - bytes: received bytes.
  ///   - take: is given each event, in order, and throws where it is not the right one.
  /// - Throws: `RunDefect` at the first byte that is not as it should be.
  mutating func receive(_ bytes: Span<UInt8>, take: (StreamEvent) throws(RunDefect) -> Void) throws(RunDefect) {
    if body != nil { return try receiveBody(bytes, take: take) }
    var received: [UInt8] = []
    swap(&received, &input)
    received.append(bytes)
    guard let consumed = try receiveHead(received.span) else { return swap(&received, &input) }
    try receiveBody(received.span.extracting(consumed...), take: take)
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

  private mutating func receiveBody(
    _ bytes: Span<UInt8>, take: (StreamEvent) throws(RunDefect) -> Void
  ) throws(RunDefect) {
    var offset = 0
    while offset < bytes.count {
      switch try nextStep(bytes, at: &offset) {
      case .payload(let range): try receiveEvents(bytes.extracting(range), take: take)
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

  private mutating func receiveEvents(
    _ bytes: Span<UInt8>, take: (StreamEvent) throws(RunDefect) -> Void
  ) throws(RunDefect) {
    var offset = 0
    while true {
      do throws(StreamViolation) {
        guard try events.next(in: bytes, at: &offset) else { return }
      } catch {
        throw .stream(error)
      }
      try take(events.event)
    }
  }
}
