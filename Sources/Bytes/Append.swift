// Writing wire syntax into a growing array, without passing through String.

extension [UInt8] {
  /// Copies borrowed bytes.
  public init(_ bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }

  /// Appends borrowed bytes.
  public mutating func append(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }

  /// Appends the bytes of a literal.
  public mutating func append(_ literal: StaticString) {
    unsafe append(
      contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// Appends the UTF-8 of a text.
  public mutating func append(_ text: String) {
    append(contentsOf: text.utf8)
  }

  /// Appends a number in decimal digits.
  public mutating func append(decimal value: UInt64) {
    appendDigits(of: value, radix: 10)
  }

  /// Appends a number in lower-case hexadecimal digits.
  public mutating func append(hexadecimal value: UInt64) {
    appendDigits(of: value, radix: 16)
  }

  private mutating func appendDigits(of value: UInt64, radix: UInt64) {
    var rest = value
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = 20
    repeat {
      first -= 1
      let digit = UInt8(rest % radix)
      digits[first] = digit < 10 ? 0x30 + digit : 0x57 + digit
      rest /= radix
    } while rest > 0
    append(digits.span.extracting(first..<20))
  }
}
