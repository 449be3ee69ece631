internal import Bytes
internal import Crypto
internal import Wire

/// A token taken apart (JWS compact serialization, RFC 7515 §7.1): nothing that it says is believed yet.
struct JSONWebToken {
  /// How it says it is signed.
  let algorithm: SignatureAlgorithm
  /// The key that it names.
  let keyID: [UInt8]?
  /// Where what is signed stands: header, dot and payload.
  let signed: Range<Int>
  /// Where the payload stands, still encoded.
  let payload: Range<Int>
  /// The signature.
  let signature: [UInt8]

  /// How deep the header may nest: a certificate chain in a key in it, which is not looked at.
  private static let maxHeaderDepth = 4

  /// Takes a token apart.
  ///
  /// - Parameter token: its bytes, of any length.
  /// - Throws: `TokenRefusal` where it is none, is for another purpose, or is signed in no way that is known here.
  init(_ token: Span<UInt8>) throws(TokenRefusal) {
    let dot = UInt8(ascii: ".")
    guard let first = token.firstIndex(of: dot), let second = token.firstIndex(of: dot, from: first + 1),
      token.firstIndex(of: dot, from: second + 1) == nil,
      let header = Base64URL.decoded(token.extracting(..<first)),
      let signature = Base64URL.decoded(token.extracting((second + 1)...))
    else { throw .malformed }
    let members = try JSONWebToken.object(header, maxDepth: JSONWebToken.maxHeaderDepth)
    guard let name = members["alg"]?.string else { throw .malformed }
    guard members["crit"] == nil else { throw .critical }
    try JSONWebToken.checkType(members["typ"])
    keyID = try JSONWebToken.string(members["kid"])
    guard let algorithm = SignatureAlgorithm.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name) }) else {
      throw .algorithm
    }
    self.algorithm = algorithm
    self.signature = signature
    signed = 0..<second
    payload = (first + 1)..<second
  }

  /// Tokens for other purposes may be signed with the same key and must not pass for this one (RFC 8725 §3.11).
  private static func checkType(_ value: JSONValue?) throws(TokenRefusal) {
    guard let type = try string(value) else { return }
    let prefix: StaticString = "application/"
    let length = prefix.utf8CodeUnitCount
    let isFull = type.count > length && type.span.extracting(..<length).equalsIgnoringCase(prefix)
    let name = type.span.extracting((isFull ? length : 0)...)
    guard name.equalsIgnoringCase("JWT") || name.equalsIgnoringCase("at+jwt") else { throw .type }
  }

  /// The object of which a JSON text consists.
  static func object(_ text: [UInt8], maxDepth: Int) throws(TokenRefusal) -> JSONObject {
    do throws(JSONViolation) {
      if let object = try JSONValue(parsing: text.span, maxDepth: maxDepth).object { return object }
    } catch {
      throw .malformed
    }
    throw .malformed
  }

  /// The text of a member that may be left out, and is a string where it is not.
  static func string(_ value: JSONValue?) throws(TokenRefusal) -> [UInt8]? {
    guard let value else { return nil }
    guard let string = value.string else { throw .malformed }
    return string
  }
}
