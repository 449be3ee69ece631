internal import Bytes

/// A name with a value in a `Cookie` field.
public struct CookiePair: Equatable, Sendable {
  /// Where the name stands.
  public let nameRange: Range<Int>
  /// Where name and value stand, without the white space around them.
  public let range: Range<Int>
}

/// The pairs of a `Cookie` field (RFC 6265 §5.4), one after the other, without those that are malformed.
///
/// A name is a token (RFC 6265 §4.1.1). A value is what browsers keep, which is more than they should: anything but
/// control characters and semicolons. One that begins with a quote ends with another, and has none between: some servers
/// take everything up to the next quote for one value, the cookies behind it included.
public struct CookiePairs {
  private var position = 0

  /// Begins at the first pair.
  public init() {}

  /// Finds the next pair.
  ///
  /// - Parameter value: the value of the field, the same every time.
  /// - Returns: the pair, `nil` after the last.
  public mutating func next(in value: Span<UInt8>) -> CookiePair? {
    while position < value.count {
      let end = value.firstIndex(of: UInt8(ascii: ";"), from: position) ?? value.count
      let range = Blank.trimmed(value, position..<end)
      position = end + 1
      if let pair = CookiePairs.pair(in: value, range) { return pair }
    }
    return nil
  }

  /// Whether a text can be the name of a cookie.
  public static func isName(_ text: String) -> Bool {
    Token.isToken(Array(text.utf8).span)
  }

  private static func pair(in value: Span<UInt8>, _ range: Range<Int>) -> CookiePair? {
    let end = Token.end(in: value, from: range.lowerBound)
    guard end > range.lowerBound, end < range.upperBound, value[end] == UInt8(ascii: "=") else { return nil }
    guard isValue(value.extracting(end + 1..<range.upperBound)) else { return nil }
    return CookiePair(nameRange: range.lowerBound..<end, range: range)
  }

  private static func isValue(_ value: Span<UInt8>) -> Bool {
    let quote = UInt8(ascii: "\"")
    for index in value.indices where value[index] < 0x20 && value[index] != ASCII.tab || value[index] == 0x7F {
      return false
    }
    guard !value.isEmpty, value[0] == quote else { return true }
    return value.firstIndex(of: quote, from: 1) == value.count - 1
  }
}
