internal import Bytes
internal import Wire

/// Puts HTTP/1.1 chunk framing around ranges of a log, across partial writes.
///
/// RFC 9112 §7.1.
///
/// A write consists of up to five parts: framing left over, the rest of a chunk that was promised, framing, a
/// new chunk's payload, framing. `plan` says what the next write may hold, `advance` what it took.
/// It is a value: no socket, no log.
struct ChunkFraming {
  /// The most payload that a chunk has: what of it a client does not take now, it must be given later.
  static let largestPayload = 64 * 1024

  /// Framing, or bytes of the head, that go before anything else.
  private(set) var unsent: [UInt8]
  /// Payload bytes of a chunk whose head was sent.
  private(set) var promised = 0
  let isChunked: Bool
  private(set) var isEnded = false

  /// - Parameters:
  ///   - isChunked: false for a body that the connection's end delimits.
  ///   - head: bytes to send first.
  init(isChunked: Bool, after head: [UInt8]) {
    self.isChunked = isChunked
    unsent = head
  }

  /// What the next write holds, in this order.
  struct Plan {
    var unsent = 0
    var promised = 0
    var between = Framing()
    var payload = 0
    var after = Framing()
    var endsBody = false
  }

  /// One whole chunk, as it may stand at a boundary.
  static func plan(chunk payload: Int) -> Plan {
    var plan = Plan(payload: payload)
    plan.between.append(hexadecimal: payload)
    plan.between.append("\r\n")
    plan.after.append("\r\n")
    return plan
  }

  /// A few bytes of framing, on the stack.
  struct Framing {
    private(set) var bytes = InlineArray<32, UInt8>(repeating: 0)
    private(set) var count = 0

    mutating func append(_ literal: StaticString) {
      let text = unsafe Span(_unsafeStart: literal.utf8Start, count: literal.utf8CodeUnitCount)
      for index in text.indices { append(text[index]) }
    }

    mutating func append(_ byte: UInt8) {
      bytes[count] = byte
      count += 1
    }

    mutating func append(hexadecimal value: Int) {
      var shift = max(0, (Int.bitWidth - 1 - value.leadingZeroBitCount) / 4 * 4)
      while shift >= 0 {
        let digit = UInt8(truncatingIfNeeded: value >> shift & 15)
        append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        shift -= 4
      }
    }
  }

  /// Whether a comment may be put in here: between chunks, with nothing waiting.
  var isAtBoundary: Bool { unsent.isEmpty && promised == 0 && !isEnded }

  /// Adds a body part of its own that is not in the log.
  mutating func insert(_ bytes: Span<UInt8>) {
    guard isChunked else { return unsent.append(bytes) }
    unsent.append(hexadecimal: UInt64(bytes.count))
    unsent.append("\r\n")
    unsent.append(bytes)
    unsent.append("\r\n")
  }

  /// What the next write holds.
  ///
  /// - Parameters:
  ///   - lent: payload bytes behind the cursor that this write has room for.
  ///   - isAll: whether the log holds no more than these.
  ///   - isFinal: whether the body ends with the log.
  /// - Returns: the parts; payload never exceeds `lent`.
  func plan(lent: Int, isAll: Bool, isFinal: Bool) -> Plan {
    let ends = isAll && isFinal && !isEnded
    guard isChunked else {
      return Plan(
        unsent: unsent.count, promised: 0, between: Framing(), payload: lent, after: Framing(), endsBody: ends)
    }
    let first = min(promised, lent)
    var between = Framing()
    var after = Framing()
    let payload = first == promised ? lent - first : 0
    if promised > 0, first == promised { between.append("\r\n") }
    if payload > 0 {
      between.append(hexadecimal: payload)
      between.append("\r\n")
      after.append("\r\n")
    }
    if ends { after.append("0\r\n\r\n") }
    return Plan(
      unsent: unsent.count, promised: first, between: between, payload: payload, after: after, endsBody: ends)
  }

  /// Notes what a write took.
  ///
  /// - Parameters:
  ///   - accepted: bytes of the plan, from its beginning.
  ///   - plan: what `plan` returned, unchanged since.
  /// - Returns: how many payload bytes were taken.
  mutating func advance(_ accepted: Int, of plan: Plan) -> Int {
    var rest = accepted
    guard rest >= plan.unsent else {
      unsent.removeFirst(rest)
      return 0
    }
    rest -= plan.unsent
    unsent.removeAll(keepingCapacity: false)
    guard rest >= plan.promised else {
      promised -= rest
      return rest
    }
    rest -= plan.promised
    promised -= plan.promised
    guard rest >= plan.between.count else {
      keep(plan.between, from: rest)
      promised = plan.payload
      if plan.payload == 0 { keep(plan.after, from: 0) }
      if plan.endsBody, plan.payload == 0 { isEnded = true }
      return plan.promised
    }
    rest -= plan.between.count
    guard rest >= plan.payload else {
      if isChunked { promised = plan.payload - rest }
      return plan.promised + rest
    }
    rest -= plan.payload
    keep(plan.after, from: rest)
    if plan.endsBody { isEnded = true }
    return plan.promised + plan.payload
  }

  private mutating func keep(_ framing: Framing, from start: Int) {
    guard start < framing.count else { return }
    unsent.append(framing.bytes.span.extracting(start..<framing.count))
  }
}
