internal import Bytes

/// The elements of a comma-separated list in a field value (RFC 9110 §5.6.1), one after the other.
///
/// Empty elements are given as empty ranges: whether they are tolerable is for the field to say. A comma inside a
/// quoted string does not separate.
struct ListElements {
  private var position = 0

  /// The place of the next element without the white space around it, `nil` after the last.
  mutating func next(in value: Span<UInt8>) -> Range<Int>? {
    guard position <= value.count else { return nil }
    let start = position
    var isQuoted = false
    while position < value.count {
      let byte = value[position]
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if isQuoted, byte == UInt8(ascii: "\\") { position += 1 }
      if !isQuoted, byte == UInt8(ascii: ",") { break }
      position += 1
    }
    let end = min(position, value.count)
    position = end + 1
    return Blank.trimmed(value, start..<end)
  }
}

/// The white space that HTTP allows around values: spaces and tabs.
enum Blank {
  /// Whether a byte is a space or a tab.
  @inline(__always)
  static func contains(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// A range without the white space at its ends.
  static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, contains(bytes[start]) { start += 1 }
    while end > start, contains(bytes[end - 1]) { end -= 1 }
    return start..<end
  }
}
