internal import Bytes

/// Percent-encoding (WHATWG URL §1.3).
public enum Percent {
  /// Appends the decoded bytes of a text; a percent sign that is not followed by two hexadecimal digits stays.
  ///
  /// - Parameters:
  ///   - text: what to decode.
  ///   - plusIsSpace: whether `+` means a space, as in application/x-www-form-urlencoded.
  ///   - output: where to.
  public static func append(decoded text: Span<UInt8>, plusIsSpace: Bool, to output: inout [UInt8]) {
    var index = 0
    while index < text.count {
      let byte = text[index]
      index &+= 1
      if byte == UInt8(ascii: "%"), index &+ 1 < text.count,
        let high = ASCII.hexDigit(text[index]), let low = ASCII.hexDigit(text[index &+ 1])
      {
        output.append(UInt8(high &<< 4 | low))
        index &+= 2
      } else {
        output.append(plusIsSpace && byte == UInt8(ascii: "+") ? ASCII.space : byte)
      }
    }
  }

  /// Appends one byte as a percent sign and two upper-case hexadecimal digits.
  public static func append(encoded byte: UInt8, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "%"))
    for digit in [byte &>> 4, byte & 0xF] { output.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
  }
}
