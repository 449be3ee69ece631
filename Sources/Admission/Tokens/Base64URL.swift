/// Base64 as tokens and JSON Web Keys have it (RFC 7515 §2): the URL alphabet, no padding, nothing else.
enum Base64URL {
  /// The bytes of a text.
  ///
  /// - Parameter text: the text.
  /// - Returns: `nil` where it holds another character, has a length that no bytes have, or its last character has bits
  ///   beyond the last byte: then another text would have the same bytes, and a token more than one form.
  static func decoded(_ text: Span<UInt8>) -> [UInt8]? {
    guard text.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    for index in text.indices {
      guard let value = value(of: text[index]) else { return nil }
      bits = bits &<< 6 | UInt32(value)
      count &+= 6
      guard count >= 8 else { continue }
      count &-= 8
      bytes.append(UInt8(truncatingIfNeeded: bits &>> UInt32(count)))
    }
    return bits & (1 &<< UInt32(count) &- 1) == 0 ? bytes : nil
  }

  @inline(__always)
  private static func value(of byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte &- UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte &- UInt8(ascii: "a") &+ 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0") &+ 52
    case UInt8(ascii: "-"): 62
    case UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
