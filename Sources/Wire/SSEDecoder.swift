internal import Bytes

/// Decodes an event stream exactly as the WHATWG HTML standard §9.2.6 prescribes.
///
/// Pull style: call `next` with the same input until it returns `false`, then come back with new input. What the stream
/// ends in the middle of is never delivered, as the standard wants it.
///
/// *Bound*: `maxEventBytes` for the event, again for its id and again for a line; the buffers are reused
/// from event to event.
public struct SSEDecoder: Sendable {
  /// The event that `next` has just announced.
  ///
  /// Between events it is being filled and means nothing.
  public private(set) var event = StreamEvent()
  /// The last reconnection time the stream has set, in milliseconds.
  public private(set) var retry: Int?
  /// Whether there was any line with a field that the standard knows; a stream without one is no event stream.
  public private(set) var sawAnyField = false

  /// How many bytes wait for the rest of their line or event.
  public var unfinishedBytes: Int { partial.count + (isDelivered ? 0 : event.data.count + event.type.count) }

  private let maxEventBytes: Int
  private var lines = LineScanner()
  /// The beginning of a line whose end has not arrived.
  private var partial: [UInt8] = []
  private var isFirstLine = true
  private var hasData = false
  /// Whether `event` was delivered and the next line begins another.
  private var isDelivered = false

  /// Makes a decoder for one stream.
  ///
  /// - Parameter maxEventBytes: the most bytes of the data and type of an event together with the line being read.
  public init(maxEventBytes: Int) {
    self.maxEventBytes = maxEventBytes
  }

  /// Goes on in the input.
  ///
  /// - Parameters:
  ///   - input: received bytes.
  ///   - offset: where to go on; moved past what was used.
  /// - Returns: whether `event` now holds a complete event; if not, all of the input is used.
  /// - Throws: `StreamViolation` when an event is too large; the stream cannot be decoded any further.
  public mutating func next(in input: Span<UInt8>, at offset: inout Int) throws(StreamViolation) -> Bool {
    if isDelivered { beginEvent() }
    while let range = lines.next(in: input, at: &offset) {
      let isComplete = try partial.isEmpty ? read(input.extracting(range)) : readJoined(input.extracting(range))
      if isComplete { return true }
    }
    partial.append(input.extracting(offset...))
    offset = input.count
    try checkSize(partial.count)
    return false
  }

  private mutating func readJoined(_ rest: Span<UInt8>) throws(StreamViolation) -> Bool {
    var line: [UInt8] = []
    swap(&line, &partial)
    line.append(rest)
    let isComplete = try read(line.span)
    StreamEvent.empty(&line)
    swap(&line, &partial)
    return isComplete
  }

  /// Interprets one line.
  ///
  /// - Returns: whether it completed an event.
  private mutating func read(_ received: Span<UInt8>) throws(StreamViolation) -> Bool {
    try checkSize(received.count)
    var line = received
    if isFirstLine {
      isFirstLine = false
      if line.count >= 3, line[0] == 0xEF, line[1] == 0xBB, line[2] == 0xBF { line = line.extracting(3...) }
    }
    if line.isEmpty { return try endEvent() }
    let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
    if colon > 0 { try readField(line, colon: colon) }
    return false
  }

  private func checkSize(_ lineBytes: Int) throws(StreamViolation) {
    try check(event.data.count + event.type.count + lineBytes)
  }

  private func check(_ given: Int) throws(StreamViolation) {
    guard given <= maxEventBytes else { throw .eventTooLarge(givenAtLeast: given, allowed: maxEventBytes) }
  }
}

// Fields and events.
extension SSEDecoder {
  private mutating func readField(_ line: Span<UInt8>, colon: Int) throws(StreamViolation) {
    let name = line.extracting(..<colon)
    var start = min(colon + 1, line.count)
    if start < line.count, line[start] == UInt8(ascii: " ") { start += 1 }
    let value = line.extracting(start...)
    if name.equals("data") {
      if hasData { event.data.append(UInt8(ascii: "\n")) }
      hasData = true
      event.data.append(value)
    } else if name.equals("event") {
      event.type.removeAll(keepingCapacity: true)
      event.type.append(value)
    } else if name.equals("id") {
      try setID(value)
    } else if name.equals("retry") {
      setRetry(value)
    } else {
      return
    }
    sawAnyField = true
  }

  private mutating func setID(_ value: Span<UInt8>) throws(StreamViolation) {
    guard value.firstIndex(of: 0) == nil else { return }
    event.id.removeAll(keepingCapacity: true)
    UTF8Repair.append(value, to: &event.id)
    event.hasID = true
    try check(event.id.count)
  }

  /// Digits only; an empty value says nothing, a number too large for `Int` is the largest.
  private mutating func setRetry(_ value: Span<UInt8>) {
    var milliseconds = 0
    for index in value.indices {
      guard let digit = ASCII.digit(value[index]) else { return }
      let (product, overflows) = milliseconds.multipliedReportingOverflow(by: 10)
      milliseconds = overflows || product > Int.max - digit ? Int.max : product + digit
    }
    if !value.isEmpty { retry = milliseconds }
  }

  /// An empty line: delivers the event unless it has no data.
  ///
  /// The size is looked at once more, because every invalid byte may have become three.
  private mutating func endEvent() throws(StreamViolation) -> Bool {
    guard hasData else {
      beginEvent()
      return false
    }
    UTF8Repair.repair(&event.data)
    UTF8Repair.repair(&event.type)
    try checkSize(0)
    isDelivered = true
    return true
  }

  private mutating func beginEvent() {
    StreamEvent.empty(&event.data)
    StreamEvent.empty(&event.type)
    event.hasID = false
    hasData = false
    isDelivered = false
  }
}
