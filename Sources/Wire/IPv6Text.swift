internal import Bytes

/// The text form of IPv6 addresses (RFC 3986 §3.2.2, RFC 4291 §2.2).
enum IPv6Text {
  /// Whether these bytes, without brackets, are an address.
  ///
  /// Eight groups of one to four hexadecimal digits; one `::` for at least one group of zeros; the last two groups may
  /// be a dotted IPv4 address.
  static func isAddress(_ text: Span<UInt8>) -> Bool {
    var groups = 0
    var hasGap = false
    var index = 0
    while index < text.count {
      if text[index] == UInt8(ascii: ":") {
        // A colon here begins a gap, or, after a group, separates it from the next.
        let isGap = index + 1 < text.count && text[index + 1] == UInt8(ascii: ":")
        guard isGap ? !hasGap : groups > 0 && index + 1 < text.count else { return false }
        hasGap = hasGap || isGap
        index += isGap ? 2 : 1
        if index == text.count { break }
      } else if index > 0 {
        return false
      }
      let end = groupEnd(in: text, from: index)
      if end < text.count, text[end] == UInt8(ascii: ".") {
        groups += 2
        return isDottedQuad(text.extracting(index...)) && (hasGap ? groups < 8 : groups == 8)
      }
      guard (1...4).contains(end - index) else { return false }
      groups += 1
      index = end
    }
    return hasGap ? groups < 8 : groups == 8
  }

  private static func groupEnd(in text: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < text.count, ASCII.hexDigit(text[index]) != nil { index += 1 }
    return index
  }

  private static func isDottedQuad(_ text: Span<UInt8>) -> Bool {
    var numbers = 0
    var index = 0
    while index < text.count {
      let start = index
      var value = 0
      while index < text.count, index - start < 4, let digit = ASCII.digit(text[index]) {
        value = value * 10 + digit
        index += 1
      }
      guard (1...3).contains(index - start), value <= 255 else { return false }
      guard index - start == 1 || text[start] != UInt8(ascii: "0") else { return false }
      numbers += 1
      if index == text.count { return numbers == 4 }
      guard text[index] == UInt8(ascii: ".") else { return false }
      index += 1
    }
    return false
  }
}
