internal import Bytes

/// Looks into JSON text (RFC 8259) without building anything, and writes strings.
///
/// Nothing recurses: how deep values nest is counted, so hostile nesting costs no stack.
public enum JSONScanner {
  /// The content of the first top-level member of this name, between its quotation marks and still escaped.
  ///
  /// The scan stops at the member. Up to there the text has to be well formed, except that of nested arrays and objects
  /// only the strings and the balance of brackets are looked at.
  ///
  /// - Parameters:
  ///   - name: the name, unescaped UTF-8.
  ///   - text: JSON text.
  /// - Returns: `nil` where the text is not an object, is malformed, has no such member, or its value is not a string.
  public static func topLevelString(_ name: Span<UInt8>, of text: Span<UInt8>) -> Range<Int>? {
    var cursor = JSONCursor()
    guard cursor.skip(UInt8(ascii: "{"), in: text) else { return nil }
    repeat {
      guard let key = cursor.string(in: text), cursor.skip(ASCII.colon, in: text) else { return nil }
      if stringEquals(text.extracting(key), name) { return cursor.string(in: text) }
      guard cursor.skipValue(in: text) else { return nil }
    } while cursor.skip(UInt8(ascii: ","), in: text)
    return nil
  }

  /// The members of an object: what stands between the quotation marks of each name, still escaped, and the value.
  ///
  /// - Parameter text: JSON text; of nested values only the strings and the balance of brackets are looked at.
  /// - Returns: `nil` where the text is not an object or is malformed.
  public static func members(of text: Span<UInt8>) -> [(name: Range<Int>, value: Range<Int>)]? {
    var cursor = JSONCursor()
    guard cursor.skip(UInt8(ascii: "{"), in: text) else { return nil }
    var members: [(name: Range<Int>, value: Range<Int>)] = []
    if cursor.skip(UInt8(ascii: "}"), in: text) { return members }
    repeat {
      guard let name = cursor.string(in: text), cursor.skip(ASCII.colon, in: text), let value = cursor.value(in: text)
      else { return nil }
      members.append((name, value))
    } while cursor.skip(UInt8(ascii: ","), in: text)
    return cursor.skip(UInt8(ascii: "}"), in: text) ? members : nil
  }

  /// The items of an array.
  ///
  /// - Parameter text: JSON text; of nested values only the strings and the balance of brackets are looked at.
  /// - Returns: `nil` where the text is not an array or is malformed.
  public static func items(of text: Span<UInt8>) -> [Range<Int>]? {
    var cursor = JSONCursor()
    guard cursor.skip(UInt8(ascii: "["), in: text) else { return nil }
    var items: [Range<Int>] = []
    if cursor.skip(UInt8(ascii: "]"), in: text) { return items }
    repeat {
      guard let item = cursor.value(in: text) else { return nil }
      items.append(item)
    } while cursor.skip(UInt8(ascii: ","), in: text)
    return cursor.skip(UInt8(ascii: "]"), in: text) ? items : nil
  }

  /// Compares the content of a string, still escaped, with unescaped text.
  ///
  /// - Parameters:
  ///   - raw: what stands between the quotation marks.
  ///   - value: unescaped UTF-8; a lone surrogate in `raw` stands for U+FFFD.
  /// - Returns: whether they are the same.
  public static func stringEquals(_ raw: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    guard raw.firstIndex(of: UInt8(ascii: "\\")) != nil else { return raw.equals(value) }
    var text: [UInt8] = []
    JSONEscape.append(unescaped: raw, to: &text)
    return text.span.equals(value)
  }

  /// Appends what the content of a string, still escaped, stands for; a lone surrogate becomes U+FFFD.
  public static func append(unescaped raw: Span<UInt8>, to output: inout [UInt8]) {
    JSONEscape.append(unescaped: raw, to: &output)
  }

  /// Appends a string literal with its quotation marks; invalid UTF-8 is replaced.
  public static func append(quoted text: Span<UInt8>, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    if UTF8Repair.firstInvalid(in: text) == nil {
      JSONEscape.append(escaped: text, to: &output)
    } else {
      var repaired: [UInt8] = []
      UTF8Repair.append(text, to: &repaired)
      JSONEscape.append(escaped: repaired.span, to: &output)
    }
    output.append(UInt8(ascii: "\""))
  }
}
