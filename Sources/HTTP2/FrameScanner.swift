internal import Bytes

/// Finds the frames in what is received, before the library takes it: the library keeps silent about those that it drops,
/// unknown ones and those of streams that have ended, which a client can send as well as any others.
///
/// It is a value, and does not depend on how the bytes are cut.
struct FrameScanner {
  /// Bytes of the client's preface or of a payload that are still to come.
  private var rest = 24
  private var head = InlineArray<9, UInt8>(repeating: 0)
  private var headCount = 0
  /// Whether the payload under way ends a header block, begins or goes on with one.
  private var endsBlock = false
  private var isBlock = false

  /// How many header blocks have begun.
  private(set) var blocks: UInt64 = 0
  /// Whether the last of them is not whole.
  private(set) var isBlockOpen = false

  /// Goes on to the next frame's end, or to the end of the input.
  ///
  /// - Parameter bytes: received bytes, at least one.
  /// - Returns: the frame whose head is complete with these bytes, and how many bytes belong to it or to what was before.
  mutating func next(in bytes: Span<UInt8>) -> (frame: HTTP2Frame?, count: Int) {
    var count = 0
    var frame: HTTP2Frame?
    if rest == 0 {
      while headCount < HTTP2Frame.headBytes, count < bytes.count {
        head[headCount] = bytes[count]
        headCount += 1
        count += 1
      }
      guard headCount == HTTP2Frame.headBytes else { return (nil, count) }
      headCount = 0
      let begun = begin()
      frame = begun
      rest = begun.length
    }
    let length = min(rest, bytes.count - count)
    rest -= length
    if rest == 0, isBlock, endsBlock { isBlockOpen = false }
    return (frame, count + length)
  }

  private mutating func begin() -> HTTP2Frame {
    func number(_ places: Range<Int>) -> Int { places.reduce(0) { $0 << 8 | Int(head[$1]) } }
    let frame = HTTP2Frame(
      kind: HTTP2Frame.Kind(rawValue: head[3]) ?? .unknown, stream: Int32(number(5..<9) & 0x7FFF_FFFF),
      length: number(0..<3), flags: head[4])
    isBlock = frame.kind == .headers || frame.kind == .continuation
    endsBlock = frame.flags & 0x4 != 0
    if frame.kind == .headers {
      blocks += 1
      isBlockOpen = true
    }
    return frame
  }
}
