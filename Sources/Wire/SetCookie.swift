internal import Bytes

/// The value of a `Set-Cookie` field (RFC 6265 §5.2).
public enum SetCookie {
  /// Where the name of the cookie stands.
  ///
  /// - Parameter value: the value of the field.
  /// - Returns: `nil` where there is no name, it is no token, or a control character stands anywhere but a tab.
  public static func nameRange(in value: Span<UInt8>) -> Range<Int>? {
    for index in value.indices where value[index] < 0x20 && value[index] != ASCII.tab || value[index] == 0x7F {
      return nil
    }
    let end = value.firstIndex(of: UInt8(ascii: ";")) ?? value.count
    guard let equals = value.firstIndex(of: UInt8(ascii: "=")), equals < end else { return nil }
    // Browsers take the name without the white space around it.
    let name = Blank.trimmed(value, 0..<equals)
    return Token.isToken(value.extracting(name)) ? name : nil
  }
}
