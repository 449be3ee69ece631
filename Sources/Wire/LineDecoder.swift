internal import Bytes

/// Decodes newline-delimited JSON and the like: every line is the data of an event.
///
/// Lines end in LF; a CR before it is dropped. Lines of nothing but white space are passed over. Invalid UTF-8 is
/// replaced and a byte order mark at the start dropped, as in an event stream. Pull style like `SSEDecoder`.
///
/// *Bound*: twice `maxEventBytes`; the buffers are reused from event to event.
public struct LineDecoder: Sendable {
  /// The event that `next` or `finish` has just announced; only `data` is ever set.
  ///
  /// Between events it means nothing.
  public private(set) var event = StreamEvent()

  /// How many bytes wait for the end of their line.
  public var unfinishedBytes: Int { partial.count }

  private let maxEventBytes: Int
  /// The beginning of a line whose end has not arrived.
  private var partial: [UInt8] = []
  private var isFirstLine = true

  /// Makes a decoder for one stream.
  ///
  /// - Parameter maxEventBytes: the most bytes of a line without its end.
  public init(maxEventBytes: Int) {
    self.maxEventBytes = maxEventBytes
  }

  /// Goes on in the input.
  ///
  /// - Parameters:
  ///   - input: received bytes.
  ///   - offset: where to go on; moved past what was used.
  /// - Returns: whether `event` now holds a line; if not, all of the input is used.
  /// - Throws: `StreamViolation` when a line is too long; the stream cannot be decoded any further.
  public mutating func next(in input: Span<UInt8>, at offset: inout Int) throws(StreamViolation) -> Bool {
    while let end = input.firstIndex(of: ASCII.lineFeed, from: offset) {
      let rest = input.extracting(offset..<end)
      offset = end + 1
      if try partial.isEmpty ? read(rest) : readJoined(rest) { return true }
    }
    partial.append(input.extracting(offset...))
    offset = input.count
    try checkSize(LineDecoder.withoutCarriageReturn(partial.span))
    return false
  }

  /// Takes note that the stream has ended.
  ///
  /// - Returns: whether a last line without an end was there, was not too long, and `event` now holds it.
  public mutating func finish() -> Bool {
    // What is held was checked against the bound when it arrived; only by being repaired can it grow beyond.
    (try? readJoined(Span())) ?? false
  }

  private mutating func readJoined(_ rest: Span<UInt8>) throws(StreamViolation) -> Bool {
    var line: [UInt8] = []
    swap(&line, &partial)
    line.append(rest)
    let isEvent = try read(line.span)
    StreamEvent.empty(&line)
    swap(&line, &partial)
    return isEvent
  }

  private mutating func read(_ received: Span<UInt8>) throws(StreamViolation) -> Bool {
    var line = received.extracting(..<LineDecoder.withoutCarriageReturn(received))
    try checkSize(line.count)
    if isFirstLine {
      isFirstLine = false
      if line.count >= 3, line[0] == 0xEF, line[1] == 0xBB, line[2] == 0xBF { line = line.extracting(3...) }
    }
    guard !Blank.trimmed(line, 0..<line.count).isEmpty else { return false }
    StreamEvent.empty(&event.data)
    UTF8Repair.append(line, to: &event.data)
    // Every invalid byte may have become three.
    try checkSize(event.data.count)
    return true
  }

  private static func withoutCarriageReturn(_ line: Span<UInt8>) -> Int {
    line.count > 0 && line[line.count - 1] == ASCII.carriageReturn ? line.count - 1 : line.count
  }

  private func checkSize(_ lineBytes: Int) throws(StreamViolation) {
    guard lineBytes <= maxEventBytes else {
      throw .eventTooLarge(givenAtLeast: lineBytes, allowed: maxEventBytes)
    }
  }
}
