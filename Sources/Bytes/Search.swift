// Searching and comparing borrowed bytes: the loops that see every received byte, and the only place that lends them to C.

import Glibc

extension Span<UInt8> {
  /// The first position of a byte at or after `start`.
  ///
  /// memchr(3), which the C library vectorizes.
  ///
  /// - Parameters:
  ///   - byte: what to look for.
  ///   - start: where to begin, at most `count`.
  /// - Returns: the position, `nil` where there is none.
  public func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
    precondition(start <= count, "a search begins within the bytes")
    return unsafe withUnsafeBytes { bytes -> Int? in
      guard let base = bytes.baseAddress, start < bytes.count,
        let found = unsafe memchr(base + start, Int32(byte), bytes.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }

  /// Whether these are exactly the bytes of another span.
  public func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    return unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return true }
        return unsafe memcmp(left, right, count) == 0
      }
    }
  }

  /// Whether these are exactly the bytes of an ASCII literal.
  public func equals(_ literal: StaticString) -> Bool {
    guard count == literal.utf8CodeUnitCount else { return false }
    return unsafe equals(Span(_unsafeStart: literal.utf8Start, count: count))
  }

  /// Whether these are the bytes of an ASCII literal, upper and lower case letters being the same.
  public func equalsIgnoringCase(_ literal: StaticString) -> Bool {
    guard count == literal.utf8CodeUnitCount else { return false }
    let expected = unsafe Span(_unsafeStart: literal.utf8Start, count: count)
    for index in indices where ASCII.lowercased(self[index]) != ASCII.lowercased(expected[index]) {
      return false
    }
    return true
  }
}

extension Span<UInt8> {
  /// The first position at or after `start` of a control character (below 0x20) or of one of two other bytes.
  ///
  /// - Parameters:
  ///   - first: a byte to stop at.
  ///   - second: another one.
  ///   - start: where to begin, at most `count`.
  /// - Returns: the position, `nil` where there is none.
  public func firstIndex(ofControlOr first: UInt8, _ second: UInt8, from start: Int = 0) -> Int? {
    let index = firstMark(from: start) { $0.below(0x20) | $0.equal(to: first) | $0.equal(to: second) }
    return index < count ? index : nil
  }

  /// The first position at or after `start` of a byte that is not ASCII, `nil` where there is none.
  public func firstIndexOfNonASCII(from start: Int = 0) -> Int? {
    let index = firstMark(from: start) { $0.nonASCII }
    return index < count ? index : nil
  }

  /// Whether these are the bytes of another span, upper and lower case ASCII letters being the same.
  public func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where ASCII.lowercased(self[index]) != ASCII.lowercased(other[index]) { return false }
    return true
  }

  /// Whether these bytes, known to be letters, digits and hyphens, are those of a lower-case literal of the same kind,
  /// upper and lower case letters being the same.
  ///
  /// Setting bit 5 makes letters lower case and leaves digits and hyphens alone, so eight bytes compare in one step.
  /// Other bytes must have been refused before, because some of them would become equal.
  public func equalsName(_ lowercased: StaticString) -> Bool {
    guard count == lowercased.utf8CodeUnitCount else { return false }
    let expected = unsafe Span(_unsafeStart: lowercased.utf8Start, count: count)
    guard count >= 8 else {
      for index in indices where self[index] | 0x20 != expected[index] { return false }
      return true
    }
    var index = 0
    while index &+ 8 < count {
      if word(at: index).bits | ByteWord.each(0x20) != expected.word(at: index).bits { return false }
      index &+= 8
    }
    return word(at: count &- 8).bits | ByteWord.each(0x20) == expected.word(at: count &- 8).bits
  }
}

extension String {
  /// Text from borrowed bytes; invalid UTF-8 becomes U+FFFD.
  public init(_ bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
