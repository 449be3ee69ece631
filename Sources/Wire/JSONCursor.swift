internal import Bytes

/// A place in JSON text and the steps from one token to the next.
struct JSONCursor {
  /// How many bytes were passed.
  private(set) var position = 0

  /// Passes white space and then this one character; stays before it where there is another.
  mutating func skip(_ byte: UInt8, in text: Span<UInt8>) -> Bool {
    skipSpace(in: text)
    guard position < text.count, text[position] == byte else { return false }
    position += 1
    return true
  }

  /// Passes a string.
  ///
  /// - Returns: its content, still escaped; `nil` where there is no string, it does not end, or it holds a control
  ///   character or an escape that does not exist.
  mutating func string(in text: Span<UInt8>) -> Range<Int>? {
    guard skip(UInt8(ascii: "\""), in: text) else { return nil }
    let start = position
    while let stop = text.firstIndex(ofControlOr: UInt8(ascii: "\""), UInt8(ascii: "\\"), from: position) {
      switch text[stop] {
      case UInt8(ascii: "\""):
        position = stop + 1
        return start..<stop
      case UInt8(ascii: "\\"):
        guard let length = JSONEscape.length(in: text, at: stop) else { return nil }
        position = stop + length
      default: return nil
      }
    }
    return nil
  }

  /// Passes a value of any kind and says where it stands, without the white space around it.
  mutating func value(in text: Span<UInt8>) -> Range<Int>? {
    skipSpace(in: text)
    let start = position
    return skipValue(in: text) ? start..<position : nil
  }

  /// Passes a value of any kind.
  mutating func skipValue(in text: Span<UInt8>) -> Bool {
    skipSpace(in: text)
    guard position < text.count else { return false }
    switch text[position] {
    case UInt8(ascii: "\""): return string(in: text) != nil
    case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested(in: text)
    case UInt8(ascii: "t"): return skipWord("true", in: text)
    case UInt8(ascii: "f"): return skipWord("false", in: text)
    case UInt8(ascii: "n"): return skipWord("null", in: text)
    default: return skipNumber(in: text)
    }
  }

  /// Passes white space.
  mutating func skipSpace(in text: Span<UInt8>) {
    while position < text.count {
      switch text[position] {
      case ASCII.space, ASCII.tab, ASCII.lineFeed, ASCII.carriageReturn: position &+= 1
      default: return
      }
    }
  }

  /// Passes an array or object by counting brackets outside strings.
  private mutating func skipNested(in text: Span<UInt8>) -> Bool {
    var depth = 0
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "\""):
        guard string(in: text) != nil else { return false }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
      position &+= 1
      if depth == 0 { return true }
    }
    return false
  }

  private mutating func skipWord(_ word: StaticString, in text: Span<UInt8>) -> Bool {
    let end = position + word.utf8CodeUnitCount
    guard end <= text.count, text.extracting(position..<end).equals(word) else { return false }
    position = end
    return true
  }

  /// Passes a number (RFC 8259 §6): minus, integer without leading zeros, fraction, exponent.
  private mutating func skipNumber(in text: Span<UInt8>) -> Bool {
    skipOne("-", "-", in: text)
    let start = position
    guard skipDigits(in: text), text[start] != 0x30 || position == start + 1 else { return false }
    if skipOne(".", ".", in: text), !skipDigits(in: text) { return false }
    if skipOne("e", "E", in: text) {
      skipOne("+", "-", in: text)
      return skipDigits(in: text)
    }
    return true
  }

  /// Passes one byte if it is either of these.
  @discardableResult
  private mutating func skipOne(_ first: Unicode.Scalar, _ second: Unicode.Scalar, in text: Span<UInt8>) -> Bool {
    guard position < text.count else { return false }
    guard text[position] == UInt8(ascii: first) || text[position] == UInt8(ascii: second) else { return false }
    position += 1
    return true
  }

  private mutating func skipDigits(in text: Span<UInt8>) -> Bool {
    let start = position
    while position < text.count, ASCII.digit(text[position]) != nil { position &+= 1 }
    return position > start
  }
}
