internal import Bytes

/// The characters of names in HTTP: methods and field names are tokens (RFC 9110 §5.6.2).
enum Token {
  /// Whether a byte may stand in a token.
  @inline(__always)
  static func contains(_ byte: UInt8) -> Bool {
    // One bit a character: digits and !#$%&'*+-. in the first word; letters and ^_`|~ in the second.
    let bits: UInt64 = byte & 0x40 == 0 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
    return byte < 0x80 && bits &>> UInt64(byte & 0x3F) & 1 != 0
  }

  /// The first position at or after `start` of a byte that may not stand in a token, or `count`.
  static func end(in bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while true {
      // Names are made of letters and hyphens but for a digit or so, eight of which are judged in one step.
      index = bytes.firstMark(from: index) { $0.neitherLetterNorHyphen }
      guard index < bytes.count, contains(bytes[index]) else { return index }
      index &+= 1
    }
  }

  /// Whether these bytes are a token: at least one, and no other characters.
  static func isToken(_ bytes: Span<UInt8>) -> Bool {
    !bytes.isEmpty && end(in: bytes, from: 0) == bytes.count
  }
}
