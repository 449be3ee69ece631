internal import Bytes

/// A JSON text as a value, for the few that have to be understood as a whole, such as the claims of a token.
///
/// It is read as strictly as I-JSON is written (RFC 7493 §2), so that no two readers can take it differently: valid UTF-8,
/// no escape that is half a surrogate pair, no two members of one name, no number beyond a `Double`.
public enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case flag(Bool)
  /// A finite number.
  case number(Double)
  /// A string as UTF-8: texts that look alike and have other bytes are not the same.
  case string([UInt8])
  /// An array.
  case list([JSONValue])
  /// An object.
  case object(JSONObject)

  /// Reads a text.
  ///
  /// A value takes about a hundred bytes, so memory is bounded by the text.
  ///
  /// - Parameters:
  ///   - text: one value, white space around it allowed.
  ///   - maxDepth: how deep arrays and objects may nest, 0 to 64; 1 is an object of simple values.
  /// - Throws: `JSONViolation`; nothing can be made of such a text.
  public init(parsing text: Span<UInt8>, maxDepth: Int) throws(JSONViolation) {
    precondition((0...64).contains(maxDepth), "nesting is bounded, because the reader recurses")
    var reader = JSONReader(maxDepth: maxDepth)
    self = try reader.document(text)
  }

  /// The bytes of a string, `nil` for any other value.
  public var string: [UInt8]? {
    if case .string(let bytes) = self { bytes } else { nil }
  }

  /// The members of an object, `nil` for any other value.
  public var object: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }

  /// The items of an array, `nil` for any other value.
  public var list: [JSONValue]? {
    if case .list(let items) = self { items } else { nil }
  }
}

/// The members of a JSON object, each name once.
public struct JSONObject: Sendable, Equatable {
  /// A name with its value.
  public struct Member: Sendable, Equatable {
    /// The name, unescaped UTF-8.
    public let name: [UInt8]
    /// The value.
    public let value: JSONValue
  }

  /// The members in the order of the text.
  public let members: [Member]

  /// Takes over members; `nil` where a name occurs twice.
  init?(_ members: [Member]) {
    // Few names are compared with each other; of many, which somebody may have sent to keep us busy, a set is made.
    if members.count <= 16 {
      for (index, member) in members.enumerated() {
        for other in members[..<index] where other.name == member.name { return nil }
      }
    } else if Set(members.map(\.name)).count < members.count {
      return nil
    }
    self.members = members
  }

  /// The value of the member of this name, `nil` where there is none.
  public subscript(_ name: StaticString) -> JSONValue? {
    members.first { $0.name.span.equals(name) }?.value
  }
}

/// Why a text is no JSON value; the numbers are positions in bytes.
public enum JSONViolation: Error, Sendable, Equatable {
  /// A byte that is not part of valid UTF-8.
  case encoding(at: Int)
  /// Something that JSON does not have there, or the end of the text.
  case syntax(at: Int)
  /// A string with half a surrogate pair.
  case surrogate(at: Int)
  /// A number of more than 64 characters or beyond the range of a `Double`.
  case number(at: Int)
  /// An object with two members of one name.
  case repeatedName(at: Int)
  /// Arrays and objects nested deeper than allowed.
  case nesting(at: Int)
}

extension JSONViolation: CustomStringConvertible {
  /// What is wrong and where.
  public var description: String {
    switch self {
    case .encoding(let position): "invalid UTF-8 at byte \(position)"
    case .syntax(let position): "broken JSON at byte \(position)"
    case .surrogate(let position): "half a surrogate pair at byte \(position)"
    case .number(let position): "a number out of range at byte \(position)"
    case .repeatedName(let position): "an object with a name twice, ending at byte \(position)"
    case .nesting(let position): "arrays and objects nested too deeply at byte \(position)"
    }
  }
}
