internal import Bytes

/// One event as `SSEEncoder` wrote it, taken apart without a copy: where its parts lie.
///
/// It reads only what this gateway has written: each field's name tells by its first letter, and data lines stand
/// together.
struct WrittenEvent {
  /// The type; `nil` for none.
  private(set) var type: Range<Int>?
  /// The data lines whole, with their names and line ends; `nil` for a block that fires nothing.
  private(set) var data: Range<Int>?
  /// The id; `nil` for none.
  private(set) var id: Range<Int>?

  /// Takes the next event; `nil` where it is not whole.
  ///
  /// - Parameters:
  ///   - bytes: written events.
  ///   - offset: where one begins; moved behind it.
  init?(in bytes: Span<UInt8>, at offset: inout Int) {
    var index = offset
    while let end = bytes.firstIndex(of: ASCII.lineFeed, from: index) {
      if end == index {
        offset = end + 1
        return
      }
      switch bytes[index] {
      case UInt8(ascii: "e"): type = index + 7..<end
      case UInt8(ascii: "d"): data = (data?.lowerBound ?? index)..<end + 1
      case UInt8(ascii: "i"): id = index + 4..<end
      default: break
      }
      index = end + 1
    }
    return nil
  }
}
