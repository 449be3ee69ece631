internal import Bytes

/// Takes the framing off a message body (RFC 9112 §6, §7.1), without holding or copying any of it.
///
/// Pull style: call `next` with the same input until it says `needMore` or `complete`, then come back with new input.
/// Chunk extensions and trailer fields are checked and dropped.
public struct BodyDecoder: Sendable {
  /// What was found.
  public enum Step: Equatable, Sendable {
    /// A piece of the body: these bytes of the input, at least one.
    case payload(Range<Int>)
    /// All of the input is used and the body goes on.
    case needMore
    /// The body has ended; input at and after the offset belongs to the next message.
    case complete
  }

  private enum Phase { case fixed, untilClose, chunkHead, chunkData, chunkDataEnd, trailers, complete }

  private var phase: Phase
  /// How many bytes of the body or of the current chunk are still to come.
  private var remaining: UInt64 = 0
  private var chunkHead = ChunkHead()
  /// How much of the line end after a chunk was seen.
  private var hasCarriageReturn = false
  private var trailers = TrailerSection()

  /// Makes a decoder for one body.
  public init(framing: BodyFraming) {
    switch framing {
    case .none: phase = .complete
    case .length(let length):
      phase = length == 0 ? .complete : .fixed
      remaining = length
    case .chunked: phase = .chunkHead
    case .untilClose: phase = .untilClose
    }
  }

  /// Whether the body has ended.
  public var isComplete: Bool { phase == .complete }

  /// Goes on in the input.
  ///
  /// - Parameters:
  ///   - input: received bytes.
  ///   - offset: where to go on; moved past what was used.
  /// - Returns: what was found.
  /// - Throws: `HTTPViolation` for broken chunks; close the connection.
  public mutating func next(in input: Span<UInt8>, at offset: inout Int) throws(HTTPViolation) -> Step {
    if phase == .complete { return .complete }
    while offset < input.count {
      switch phase {
      case .complete: return .complete
      case .untilClose: return takePayload(input, at: &offset, atMost: UInt64(Int64.max))
      case .fixed:
        let step = takePayload(input, at: &offset, atMost: remaining)
        if remaining == 0 { phase = .complete }
        return step
      case .chunkData:
        let step = takePayload(input, at: &offset, atMost: remaining)
        if remaining == 0 { phase = .chunkDataEnd }
        return step
      case .chunkHead: try readChunkHead(input, at: &offset)
      case .chunkDataEnd: try endChunk(input[offset], at: &offset)
      case .trailers: if try trailers.read(input, at: &offset) { phase = .complete }
      }
    }
    return phase == .complete ? .complete : .needMore
  }

  /// Takes note that the connection has ended.
  ///
  /// - Returns: whether the body was complete. One that ends with the connection is.
  public mutating func finish() -> Bool {
    if phase == .untilClose { phase = .complete }
    return phase == .complete
  }

  private mutating func takePayload(_ input: Span<UInt8>, at offset: inout Int, atMost limit: UInt64) -> Step {
    let start = offset
    offset += Int(min(UInt64(input.count - offset), limit))
    if phase != .untilClose { remaining -= UInt64(offset - start) }
    return .payload(start..<offset)
  }

  private mutating func readChunkHead(_ input: Span<UInt8>, at offset: inout Int) throws(HTTPViolation) {
    guard let size = try chunkHead.read(input, at: &offset) else { return }
    remaining = size
    phase = size == 0 ? .trailers : .chunkData
  }

  private mutating func endChunk(_ byte: UInt8, at offset: inout Int) throws(HTTPViolation) {
    guard byte == (hasCarriageReturn ? ASCII.lineFeed : ASCII.carriageReturn) else {
      throw hasCarriageReturn ? .bareCarriageReturn : .chunkNotTerminated
    }
    offset += 1
    hasCarriageReturn.toggle()
    if !hasCarriageReturn { phase = .chunkHead }
  }
}
