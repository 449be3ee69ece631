/// Eight bytes looked at in one step, the first in the low byte of a number.
///
/// The questions answer with *marks*: a word in which the high bit of a byte says yes. Where only the first mark
/// matters a question may leave false ones above a true one, which saves work; those right in every byte say so.
@frozen
public struct ByteWord: Sendable {
  /// The bytes as a number.
  public let bits: UInt64

  /// Takes eight bytes, the first in the low byte.
  @inlinable
  public init(bits: UInt64) {
    self.bits = bits
  }

  /// Marks the bytes below a bound of at most 0x80; right up to the first mark.
  @inlinable
  public func below(_ bound: UInt8) -> UInt64 {
    (bits &- ByteWord.each(bound)) & ~bits & ByteWord.each(0x80)
  }

  /// Marks the bytes that are this one; right up to the first mark.
  @inlinable
  public func equal(to byte: UInt8) -> UInt64 {
    let difference = bits ^ ByteWord.each(byte)
    return (difference &- ByteWord.each(1)) & ~difference & ByteWord.each(0x80)
  }

  /// Marks control characters: those below 0x20 and DEL; right up to the first mark.
  @inlinable
  public var control: UInt64 {
    // Seven bits a byte, so that a sum does not reach into the next one.
    let delete = (bits & ByteWord.each(0x7F)) &+ ByteWord.each(1)
    return ((bits &- ByteWord.each(0x20)) | delete) & ~bits & ByteWord.each(0x80)
  }

  /// Marks the bytes from 0x80 on; right in every byte.
  @inlinable
  public var nonASCII: UInt64 {
    bits & ByteWord.each(0x80)
  }

  /// Marks the bytes that are neither an ASCII letter nor a hyphen; right in every byte.
  @inlinable
  public var neitherLetterNorHyphen: UInt64 {
    // Seven bits a byte, so that no sum reaches into the next one; bit 5 makes letters lower case.
    let letters = bits & ByteWord.each(0x7F) | ByteWord.each(0x20)
    let fromA = letters &+ ByteWord.each(0x80 - 0x61)
    let aboveZ = letters &+ ByteWord.each(0x80 - 0x7B)
    let difference = (bits ^ ByteWord.each(0x2D)) & ByteWord.each(0x7F)
    let notHyphen = difference &+ ByteWord.each(0x7F)
    return (~(fromA & ~aboveZ) & notHyphen | bits) & ByteWord.each(0x80)
  }

  /// A word of eight times this byte.
  @inlinable
  public static func each(_ byte: UInt8) -> UInt64 {
    UInt64(byte) &* 0x0101_0101_0101_0101
  }
}

extension Span<UInt8> {
  /// Eight bytes.
  ///
  /// - Parameter index: the position of the first, at most `count - 8`.
  /// - Returns: the bytes.
  @inlinable
  public func word(at index: Int) -> ByteWord {
    precondition(index >= 0 && index &+ 8 <= count, "a word lies within the bytes")
    return unsafe word(atUnchecked: index)
  }

  /// Eight bytes that the caller has made sure are there.
  @unsafe
  @inlinable
  @inline(__always)
  func word(atUnchecked index: Int) -> ByteWord {
    unsafe ByteWord(
      bits: UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)))
  }

  /// The first position at or after `start` of a byte that a question marks.
  ///
  /// - Parameters:
  ///   - start: where to begin, at most `count`.
  ///   - marks: the question; only its first mark has to be right.
  /// - Returns: the position, `count` where there is none.
  @inlinable
  @inline(__always)
  public func firstMark(from start: Int, _ marks: (ByteWord) -> UInt64) -> Int {
    precondition(start >= 0 && start <= count, "a search begins within the bytes")
    var index = start
    // Two words a step: most names and many values end in the first, which makes the way out easy to predict. The
    // conditions of the loops are what `word(at:)` would check again.
    while index &+ 16 <= count {
      let low = marks(unsafe word(atUnchecked: index))
      let high = marks(unsafe word(atUnchecked: index &+ 8))
      if low | high != 0 {
        return index &+ (low != 0 ? low.trailingZeroBitCount : 64 &+ high.trailingZeroBitCount) &>> 3
      }
      index &+= 16
    }
    if index &+ 8 <= count {
      let found = marks(unsafe word(atUnchecked: index))
      if found != 0 { return index &+ found.trailingZeroBitCount &>> 3 }
      index &+= 8
    }
    guard index < count else { return count }
    // The rest with zeros after it, whose marks lie at `count` or beyond.
    var bits: UInt64 = 0
    var shift: UInt64 = 0
    var last = index
    while last < count {
      bits |= UInt64(self[last]) &<< shift
      shift &+= 8
      last &+= 1
    }
    let found = marks(ByteWord(bits: bits))
    return found == 0 ? count : Swift.min(count, index &+ found.trailingZeroBitCount &>> 3)
  }
}
