internal import Bytes

/// The elements of a list that proxies on the way have made longer, the last one first.
///
/// Every proxy writes behind what it received, so only the end of such a list can be believed, and its beginning is for
/// anybody to invent. Read from the end, an element is what it is whatever stands before it, a quote that never closes
/// included; and what is not asked for costs nothing.
struct ElementsFromLast {
  private let name: FieldName
  /// Whether a comma inside a quoted string does not separate (RFC 9110 §5.6.4).
  private let isQuotable: Bool
  /// Fields from here on were read.
  private var fieldsBefore: Int
  /// What is unread of the field that is being read.
  private var rest: Range<Int>?

  /// Begins behind the last field of a name.
  init(_ name: FieldName, in fields: FieldSection, isQuotable: Bool) {
    self.name = name
    self.isQuotable = isQuotable
    fieldsBefore = fields.first(name) == nil ? 0 : fields.count
  }

  /// The place of the next element, which may be empty, without the white space around it; `nil` after the first.
  mutating func next(in fields: FieldSection) -> Range<Int>? {
    while rest == nil {
      guard fieldsBefore > 0 else { return nil }
      fieldsBefore -= 1
      if fields[fieldsBefore].name == name { rest = fields[fieldsBefore].valueRange }
    }
    guard let value = rest else { return nil }
    let bytes = fields.bytes.span
    let start = elementStart(in: bytes, value)
    rest = start > value.lowerBound ? value.lowerBound..<start - 1 : nil
    return Blank.trimmed(bytes, start..<value.upperBound)
  }

  /// Where the last element of a value begins.
  private func elementStart(in bytes: Span<UInt8>, _ value: Range<Int>) -> Int {
    var index = value.upperBound
    while index > value.lowerBound {
      let byte = bytes[index - 1]
      if byte == UInt8(ascii: ",") { return index }
      index -= 1
      guard isQuotable, byte == UInt8(ascii: "\"") else { continue }
      index = quoteStart(in: bytes, value.lowerBound..<index)
    }
    return index
  }

  /// Where the quoted string begins whose closing quote stands behind a range; the start of the range if nowhere.
  private func quoteStart(in bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
    var index = range.upperBound
    while index > range.lowerBound {
      index -= 1
      guard bytes[index] == UInt8(ascii: "\"") else { continue }
      var backslashes = 0
      while index - backslashes > range.lowerBound, bytes[index - backslashes - 1] == UInt8(ascii: "\\") {
        backslashes += 1
      }
      // An odd number escapes the quote.
      if backslashes.isMultiple(of: 2) { return index }
      index -= backslashes
    }
    return range.lowerBound
  }
}

extension FieldSection {
  /// The last element of the comma-separated lists in the fields of a name: what the nearest proxy wrote.
  ///
  /// - Parameter name: a field without quoted strings, such as `X-Forwarded-Proto`.
  /// - Returns: its place in `bytes` without the white space around it, perhaps empty; `nil` where there is no field.
  public func lastElement(of name: FieldName) -> Range<Int>? {
    var elements = ElementsFromLast(name, in: self, isQuotable: false)
    return elements.next(in: self)
  }
}
