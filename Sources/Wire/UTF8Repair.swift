internal import Bytes

/// UTF-8 as the WHATWG Encoding Standard §8.1.1 decodes it: every maximal part of an invalid sequence becomes U+FFFD.
public enum UTF8Repair {
  /// Appends bytes with everything invalid replaced.
  public static func append(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
    var start = 0
    while let invalid = firstInvalid(in: bytes, from: start) {
      output.append(bytes.extracting(start..<invalid.lowerBound))
      output.append("\u{FFFD}")
      start = invalid.upperBound
    }
    output.append(bytes.extracting(start...))
  }

  /// Replaces everything invalid; valid bytes stay where they are.
  public static func repair(_ bytes: inout [UInt8]) {
    guard firstInvalid(in: bytes.span) != nil else { return }
    var repaired: [UInt8] = []
    repaired.reserveCapacity(bytes.count + bytes.count / 2)
    append(bytes.span, to: &repaired)
    bytes = repaired
  }

  /// The first invalid part at or after `start`, which has to lie between two characters; `nil` where all is valid.
  public static func firstInvalid(in bytes: Span<UInt8>, from start: Int = 0) -> Range<Int>? {
    var index = start
    while let lead = bytes.firstIndexOfNonASCII(from: index) {
      index = lead
      while index < bytes.count, bytes[index] >= 0x80 {
        let sequence = sequence(in: bytes, at: index)
        guard sequence.isValid else { return index..<sequence.end }
        index = sequence.end
      }
    }
    return nil
  }

  /// The sequence that begins at a byte that is not ASCII: where it, or as much of it as is valid, ends.
  private static func sequence(in bytes: Span<UInt8>, at start: Int) -> (end: Int, isValid: Bool) {
    // How many bytes follow, and what the first of them may be; the others are 80 to BF.
    var needed = 1
    var allowed: ClosedRange<UInt8> = 0x80...0xBF
    switch bytes[start] {
    case 0xC2...0xDF: break
    case 0xE0: (needed, allowed) = (2, 0xA0...0xBF)
    case 0xED: (needed, allowed) = (2, 0x80...0x9F)
    case 0xE1...0xEF: needed = 2
    case 0xF0: (needed, allowed) = (3, 0x90...0xBF)
    case 0xF4: (needed, allowed) = (3, 0x80...0x8F)
    case 0xF1...0xF3: needed = 3
    default: return (start &+ 1, false)
    }
    var index = start &+ 1
    while needed > 0, index < bytes.count, allowed.contains(bytes[index]) {
      allowed = 0x80...0xBF
      needed &-= 1
      index &+= 1
    }
    return (index, needed == 0)
  }
}
