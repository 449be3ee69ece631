internal import Bytes

/// Reads one JSON text into a `JSONValue` (RFC 8259).
struct JSONReader {
  private static let maximumNumberBytes = 64

  private let maxDepth: Int
  private var position = 0

  /// A reader at the beginning of a text.
  init(maxDepth: Int) {
    self.maxDepth = maxDepth
  }

  /// Reads the value of which the text consists.
  mutating func document(_ text: Span<UInt8>) throws(JSONViolation) -> JSONValue {
    if let invalid = UTF8Repair.firstInvalid(in: text) { throw .encoding(at: invalid.lowerBound) }
    let value = try value(in: text, depth: 0)
    guard next(in: text) == nil else { throw .syntax(at: position) }
    return value
  }

  private mutating func value(in text: Span<UInt8>, depth: Int) throws(JSONViolation) -> JSONValue {
    switch next(in: text) {
    case UInt8(ascii: "\""): return .string(try string(in: text))
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard depth < maxDepth else { throw .nesting(at: position) }
      return try text[position] == UInt8(ascii: "{") ? object(in: text, depth: depth) : list(in: text, depth: depth)
    case UInt8(ascii: "t"): return try word("true", .flag(true), in: text)
    case UInt8(ascii: "f"): return try word("false", .flag(false), in: text)
    case UInt8(ascii: "n"): return try word("null", .null, in: text)
    default: return try number(in: text)
    }
  }

  private mutating func object(in text: Span<UInt8>, depth: Int) throws(JSONViolation) -> JSONValue {
    var members: [JSONObject.Member] = []
    position += 1
    if !skip(UInt8(ascii: "}"), in: text) {
      repeat {
        guard next(in: text) == UInt8(ascii: "\"") else { throw .syntax(at: position) }
        let name = try string(in: text)
        guard skip(ASCII.colon, in: text) else { throw .syntax(at: position) }
        members.append(JSONObject.Member(name: name, value: try value(in: text, depth: depth + 1)))
      } while skip(UInt8(ascii: ","), in: text)
      guard skip(UInt8(ascii: "}"), in: text) else { throw .syntax(at: position) }
    }
    guard let object = JSONObject(members) else { throw .repeatedName(at: position) }
    return .object(object)
  }

  private mutating func list(in text: Span<UInt8>, depth: Int) throws(JSONViolation) -> JSONValue {
    var items: [JSONValue] = []
    position += 1
    if skip(UInt8(ascii: "]"), in: text) { return .list(items) }
    repeat { items.append(try value(in: text, depth: depth + 1)) } while skip(UInt8(ascii: ","), in: text)
    guard skip(UInt8(ascii: "]"), in: text) else { throw .syntax(at: position) }
    return .list(items)
  }

  /// Passes the white space and gives the byte after it without passing it.
  private mutating func next(in text: Span<UInt8>) -> UInt8? {
    while position < text.count {
      switch text[position] {
      case ASCII.space, ASCII.tab, ASCII.lineFeed, ASCII.carriageReturn: position &+= 1
      case let byte: return byte
      }
    }
    return nil
  }

  private mutating func skip(_ byte: UInt8, in text: Span<UInt8>) -> Bool {
    guard next(in: text) == byte else { return false }
    position += 1
    return true
  }

  private mutating func word(
    _ word: StaticString, _ value: JSONValue, in text: Span<UInt8>
  ) throws(JSONViolation) -> JSONValue {
    let end = position + word.utf8CodeUnitCount
    guard end <= text.count, text.extracting(position..<end).equals(word) else { throw .syntax(at: position) }
    position = end
    return value
  }
}

// Strings and numbers.
extension JSONReader {
  private mutating func string(in text: Span<UInt8>) throws(JSONViolation) -> [UInt8] {
    var cursor = JSONCursor()
    let rest = text.extracting(position...)
    guard let range = cursor.string(in: rest) else { throw .syntax(at: position) }
    let raw = rest.extracting(range)
    let start = position
    position += range.upperBound + 1
    guard raw.firstIndex(of: UInt8(ascii: "\\")) != nil else { return [UInt8](raw) }
    guard !JSONReader.hasHalfPair(raw) else { throw .surrogate(at: start) }
    var bytes: [UInt8] = []
    JSONEscape.append(unescaped: raw, to: &bytes)
    return bytes
  }

  /// Whether an escape stands for a surrogate without its other half (RFC 7493 §2.1); the escapes are well formed.
  private static func hasHalfPair(_ raw: Span<UInt8>) -> Bool {
    var isLeadBefore = false
    var index = 0
    while index < raw.count {
      var unit: UInt16 = 0
      var length = 1
      if raw[index] == UInt8(ascii: "\\") {
        length = raw[index + 1] == UInt8(ascii: "u") ? 6 : 2
        for digit in index + 2..<index + length { unit = unit << 4 | UInt16(ASCII.hexDigit(raw[digit]) ?? 0) }
      }
      guard UTF16.isTrailSurrogate(unit) == isLeadBefore else { return true }
      isLeadBefore = UTF16.isLeadSurrogate(unit)
      index += length
    }
    return isLeadBefore
  }

  /// Minus, integer without leading zeros, fraction, exponent (RFC 8259 §6).
  private mutating func number(in text: Span<UInt8>) throws(JSONViolation) -> JSONValue {
    let start = position
    skipOne("-", "-", in: text)
    let first = position
    try skipDigits(in: text)
    guard text[first] != UInt8(ascii: "0") || position == first + 1 else { throw .syntax(at: first) }
    if skipOne(".", ".", in: text) { try skipDigits(in: text) }
    if skipOne("e", "E", in: text) {
      skipOne("+", "-", in: text)
      try skipDigits(in: text)
    }
    guard position - start <= JSONReader.maximumNumberBytes,
      let number = Double(String(text.extracting(start..<position))), number.isFinite
    else { throw .number(at: start) }
    return .number(number)
  }

  /// Passes one byte if it is either of these.
  @discardableResult
  private mutating func skipOne(_ first: Unicode.Scalar, _ second: Unicode.Scalar, in text: Span<UInt8>) -> Bool {
    guard position < text.count else { return false }
    guard text[position] == UInt8(ascii: first) || text[position] == UInt8(ascii: second) else { return false }
    position += 1
    return true
  }

  private mutating func skipDigits(in text: Span<UInt8>) throws(JSONViolation) {
    let start = position
    while position < text.count, ASCII.digit(text[position]) != nil { position &+= 1 }
    guard position > start else { throw .syntax(at: position) }
  }
}
