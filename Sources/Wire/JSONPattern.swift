internal import Bytes

/// What a JSON text has to look like so that two texts of one pattern may be made one, and where they may differ.
///
/// A pattern is for texts of which all is known that matters: whatever it does not allow does not match, and a member
/// that it names must not occur twice.
public indirect enum JSONPattern: Sendable, Equatable {
  /// A value of any kind, the same in every text.
  case same
  /// `null`.
  case null
  /// `true` or `false`.
  case flag(Bool)
  /// This string, unescaped UTF-8.
  case string([UInt8])
  /// The string that differs from text to text and is to be joined.
  case text
  /// A value that differs from text to text.
  case varying
  /// An array with exactly one item.
  case single(JSONPattern)
  /// An object with these members, in any order, and others.
  case object([Member], others: Others)

  /// A member that a pattern knows.
  public struct Member: Sendable, Equatable {
    /// Its name, unescaped UTF-8.
    public let name: [UInt8]
    /// What its value looks like.
    public let value: JSONPattern
    /// Whether there may be no such member.
    public let isOptional: Bool

    /// A member by its name.
    public init(_ name: String, _ value: JSONPattern, isOptional: Bool = false) {
      self.name = Array(name.utf8)
      self.value = value
      self.isOptional = isOptional
    }
  }

  /// Which members an object may have that a pattern does not name.
  public enum Others: Sendable, Equatable {
    /// Any, the same in every text.
    case same
    /// Only those that say nothing: their value is `null`.
    case null
  }

  /// Where a text that matches has what differs.
  public struct Match: Equatable, Sendable {
    /// The places in order; the text is without its quotation marks and still escaped.
    public fileprivate(set) var places: [Range<Int>] = []
    /// Which of the places is the text.
    public fileprivate(set) var text: Int?
  }

  /// Looks at a text.
  ///
  /// Of arrays and objects that have to be the same only the strings and the balance of brackets are looked at.
  ///
  /// - Parameter text: JSON text, white space around it allowed.
  /// - Returns: `nil` where the text is malformed or does not match, or the pattern has no text or more than one.
  public func match(_ text: Span<UInt8>) -> Match? {
    var matcher = JSONMatcher()
    guard matcher.match(self, in: text), matcher.isAtEnd(of: text), matcher.found.text != nil else { return nil }
    return matcher.found
  }
}

/// One walk through a text; how deep it goes is the pattern's to say, not the text's.
private struct JSONMatcher {
  private var cursor = JSONCursor()
  var found = JSONPattern.Match()

  mutating func match(_ pattern: JSONPattern, in text: Span<UInt8>) -> Bool {
    switch pattern {
    case .same: return cursor.skipValue(in: text)
    case .null: return matchWord("null", in: text)
    case .flag(let value): return matchWord(value ? "true" : "false", in: text)
    case .string(let string):
      guard let range = cursor.string(in: text) else { return false }
      return JSONScanner.stringEquals(text.extracting(range), string.span)
    case .text:
      guard found.text == nil, let range = cursor.string(in: text) else { return false }
      found.text = found.places.count
      found.places.append(range)
      return true
    case .varying:
      cursor.skipSpace(in: text)
      let start = cursor.position
      guard cursor.skipValue(in: text) else { return false }
      found.places.append(start..<cursor.position)
      return true
    case .single(let item):
      return cursor.skip(UInt8(ascii: "["), in: text) && match(item, in: text)
        && cursor.skip(UInt8(ascii: "]"), in: text)
    case .object(let members, let others): return matchObject(members, others, in: text)
    }
  }

  mutating func isAtEnd(of text: Span<UInt8>) -> Bool {
    cursor.skipSpace(in: text)
    return cursor.position == text.count
  }

  private mutating func matchObject(
    _ members: [JSONPattern.Member], _ others: JSONPattern.Others, in text: Span<UInt8>
  ) -> Bool {
    guard cursor.skip(UInt8(ascii: "{"), in: text) else { return false }
    // A bit for each member; patterns are ours, and small.
    var seen: UInt64 = 0
    if !cursor.skip(UInt8(ascii: "}"), in: text) {
      repeat {
        guard let key = cursor.string(in: text), cursor.skip(ASCII.colon, in: text) else { return false }
        let name = text.extracting(key)
        if let index = members.firstIndex(where: { JSONScanner.stringEquals(name, $0.name.span) }) {
          guard seen & 1 << UInt64(index) == 0, match(members[index].value, in: text) else { return false }
          seen |= 1 << UInt64(index)
        } else {
          guard match(others == .same ? .same : .null, in: text) else { return false }
        }
      } while cursor.skip(UInt8(ascii: ","), in: text)
      guard cursor.skip(UInt8(ascii: "}"), in: text) else { return false }
    }
    return members.indices.allSatisfy { members[$0].isOptional || seen & 1 << UInt64($0) != 0 }
  }

  private mutating func matchWord(_ word: StaticString, in text: Span<UInt8>) -> Bool {
    cursor.skipSpace(in: text)
    let start = cursor.position
    return cursor.skipValue(in: text) && text.extracting(start..<cursor.position).equals(word)
  }
}

extension JSONScanner {
  /// Whether the contents of two strings, still escaped, can be put one behind the other and mean the same as both.
  ///
  /// They cannot where an escape that is half a surrogate pair would meet its other half: decoders differ in what they
  /// make of each half alone.
  public static func joins(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count >= 6, right.count >= 6 else { return true }
    let end = left.extracting(last: 6)
    return !(isSurrogate(end, 0x38...0x62) && isSurrogate(right, 0x63...0x66))
  }

  /// Whether an escape for a surrogate stands here whose second digit, in lower case, is one of these: 8 to b, c to f.
  private static func isSurrogate(_ text: Span<UInt8>, _ digits: ClosedRange<UInt8>) -> Bool {
    text[0] == UInt8(ascii: "\\") && text[1] == UInt8(ascii: "u") && ASCII.lowercased(text[2]) == UInt8(ascii: "d")
      && digits.contains(ASCII.lowercased(text[3]))
  }
}
