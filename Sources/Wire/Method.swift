internal import Bytes

/// What a request asks for (RFC 9110 §9).
///
/// Names are case-sensitive.
public enum Method: Equatable, Hashable, Sendable {
  case get, head, post, put, delete, options, patch, connect, trace
  /// A token that is none of the above.
  case other(String)

  /// The longest name that is looked at, in bytes.
  static let longestName = 32

  /// The method of this name, `nil` where it is not a token of at most 32 characters.
  public init?(_ name: Span<UInt8>) {
    guard name.count <= Method.longestName, Token.isToken(name) else { return nil }
    self.init(token: name)
  }

  /// The same for bytes that are known to be a token.
  init(token name: Span<UInt8>) {
    self =
      switch name.count {
      case 3 where name.equals("GET"): .get
      case 3 where name.equals("PUT"): .put
      case 4 where name.equals("POST"): .post
      case 4 where name.equals("HEAD"): .head
      case 5 where name.equals("PATCH"): .patch
      case 5 where name.equals("TRACE"): .trace
      case 6 where name.equals("DELETE"): .delete
      case 7 where name.equals("OPTIONS"): .options
      case 7 where name.equals("CONNECT"): .connect
      default: .other(String(name))
      }
  }

  /// The name as it stands in a request line.
  public var name: String {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .patch: "PATCH"
    case .connect: "CONNECT"
    case .trace: "TRACE"
    case .other(let name): name
    }
  }
}
