internal import Bytes

/// Finds the ends of lines in one input after the other: CR LF, LF or CR, also where an input ends between CR and LF.
///
/// Where the next LF and the next CR are is remembered, so each is searched for once, at the speed of memchr, however
/// many lines there are of either kind.
struct LineScanner: Sendable {
  private var nextLineFeed = 0
  private var nextCarriageReturn = 0
  /// Which input the two positions are of: how many bytes it has, and where the scan has to go on in it.
  private var inputCount = -1
  private var expectedOffset = 0
  /// Whether the last line ended in a CR, which an LF may follow that belongs to the same line end.
  private var skipsLineFeed = false

  /// The rest of the line at `offset`, without its end; the offset moves past the end.
  ///
  /// - Returns: `nil` where the input holds no line end any more; the offset has not moved then, but past an LF that
  ///   belonged to the line before.
  mutating func next(in input: Span<UInt8>, at offset: inout Int) -> Range<Int>? {
    if input.count != inputCount || offset != expectedOffset {
      inputCount = input.count
      nextLineFeed = -1
      nextCarriageReturn = -1
    }
    if skipsLineFeed, offset < input.count {
      skipsLineFeed = false
      if input[offset] == UInt8(ascii: "\n") { offset &+= 1 }
    }
    if nextLineFeed < offset { nextLineFeed = input.firstIndex(of: UInt8(ascii: "\n"), from: offset) ?? input.count }
    if nextCarriageReturn < offset {
      nextCarriageReturn = input.firstIndex(of: UInt8(ascii: "\r"), from: offset) ?? input.count
    }
    let start = offset
    let end = min(nextLineFeed, nextCarriageReturn)
    guard end < input.count else {
      // The next input may have as many bytes.
      inputCount = -1
      return nil
    }
    offset = end &+ 1
    if end == nextCarriageReturn {
      if offset == input.count {
        skipsLineFeed = true
      } else if offset == nextLineFeed {
        offset &+= 1
      }
    }
    if offset == input.count { inputCount = -1 }
    expectedOffset = offset
    return start..<end
  }
}
