internal import Bytes

/// The escapes inside JSON strings (RFC 8259 §7).
enum JSONEscape {
  /// How many bytes the escape at a backslash has, `nil` where it is none.
  static func length(in text: Span<UInt8>, at backslash: Int) -> Int? {
    guard backslash + 1 < text.count else { return nil }
    switch text[backslash + 1] {
    case UInt8(ascii: "u"): return unit(in: text, at: backslash) == nil ? nil : 6
    case let letter: return simple(letter) == nil ? nil : 2
    }
  }

  /// Appends the content of a string with its escapes resolved; a lone surrogate becomes U+FFFD.
  static func append(unescaped raw: Span<UInt8>, to output: inout [UInt8]) {
    var index = 0
    while index < raw.count {
      guard raw[index] == UInt8(ascii: "\\"), let length = length(in: raw, at: index) else {
        output.append(raw[index])
        index += 1
        continue
      }
      if length == 2, let byte = simple(raw[index + 1]) {
        output.append(byte)
        index += 2
      } else {
        index = append(scalarOf: raw, at: index, to: &output)
      }
    }
  }

  /// Appends valid UTF-8 with quotation marks, backslashes and control characters escaped.
  static func append(escaped text: Span<UInt8>, to output: inout [UInt8]) {
    var start = 0
    while let stop = text.firstIndex(ofControlOr: UInt8(ascii: "\""), UInt8(ascii: "\\"), from: start) {
      output.append(text.extracting(start..<stop))
      append(escape: text[stop], to: &output)
      start = stop + 1
    }
    output.append(text.extracting(start...))
  }

  private static func append(escape byte: UInt8, to output: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""): output.append("\\\"")
    case UInt8(ascii: "\\"): output.append("\\\\")
    case 0x08: output.append("\\b")
    case 0x0C: output.append("\\f")
    case ASCII.lineFeed: output.append("\\n")
    case ASCII.carriageReturn: output.append("\\r")
    case ASCII.tab: output.append("\\t")
    default:
      output.append(byte < 0x10 ? "\\u000" : "\\u00")
      output.append(hexadecimal: UInt64(byte))
    }
  }

  /// Appends what a `\u` escape, with the one after it for a pair of surrogates, stands for.
  ///
  /// - Returns: the position after what was used.
  private static func append(scalarOf raw: Span<UInt8>, at index: Int, to output: inout [UInt8]) -> Int {
    let first = unit(in: raw, at: index) ?? 0xFFFD
    if UTF16.isLeadSurrogate(UInt16(first)), let second = unit(in: raw, at: index + 6),
      UTF16.isTrailSurrogate(UInt16(second)),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    {
      output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      return index + 12
    }
    let scalar = Unicode.Scalar(first) ?? "\u{FFFD}"
    output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    return index + 6
  }

  /// The number of a `\u` escape.
  private static func unit(in text: Span<UInt8>, at backslash: Int) -> UInt32? {
    guard backslash + 5 < text.count, text[backslash] == UInt8(ascii: "\\"), text[backslash + 1] == UInt8(ascii: "u")
    else { return nil }
    var value: UInt32 = 0
    for index in (backslash + 2)...(backslash + 5) {
      guard let digit = ASCII.hexDigit(text[index]) else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private static func simple(_ letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): ASCII.lineFeed
    case UInt8(ascii: "r"): ASCII.carriageReturn
    case UInt8(ascii: "t"): ASCII.tab
    default: nil
    }
  }
}
