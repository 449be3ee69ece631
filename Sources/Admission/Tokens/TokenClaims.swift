internal import Bytes
internal import Wire

/// What a token claims, as far as it is judged here (RFC 7519 §4.1): every claim in the form that it must have.
struct TokenClaims {
  /// Who issued it.
  let issuer: [UInt8]?
  /// Whom it is about.
  let subject: [UInt8]?
  /// Whom it is for; `nil` where it does not say.
  let audience: [[UInt8]]?
  /// When it expires, in seconds since 1970.
  let expires: Double?
  /// From when it is valid.
  let notBefore: Double?
  /// When it was issued.
  let issuedAt: Double?

  /// How deep claims may nest.
  private static let maxDepth = 16

  /// Reads the claims of a token whose signature was right.
  ///
  /// - Parameter payload: its payload, still encoded.
  /// - Throws: `TokenRefusal.malformed` where it is no object or a claim has another form.
  init(_ payload: Span<UInt8>) throws(TokenRefusal) {
    guard let text = Base64URL.decoded(payload) else { throw .malformed }
    let claims = try JSONWebToken.object(text, maxDepth: TokenClaims.maxDepth)
    issuer = try TokenClaims.name(claims["iss"])
    subject = try TokenClaims.name(claims["sub"])
    audience = try TokenClaims.audience(claims["aud"])
    expires = try TokenClaims.date(claims["exp"])
    notBefore = try TokenClaims.date(claims["nbf"])
    issuedAt = try TokenClaims.date(claims["iat"])
  }

  /// A name that ends up in logs, digests and header fields, where a control character would mean something.
  private static func name(_ value: JSONValue?) throws(TokenRefusal) -> [UInt8]? {
    guard let name = try JSONWebToken.string(value) else { return nil }
    guard name.span.firstIndex(ofControlOr: 0x7F, 0x7F) == nil else { throw .malformed }
    return name
  }

  private static func audience(_ value: JSONValue?) throws(TokenRefusal) -> [[UInt8]]? {
    switch value {
    case nil: return nil
    case .string(let name): return [name]
    case .list(let items):
      var names: [[UInt8]] = []
      for item in items {
        guard let name = item.string else { throw .malformed }
        names.append(name)
      }
      return names
    default: throw .malformed
    }
  }

  /// A NumericDate (RFC 7519 §2): any number, fractions and those before 1970 included.
  private static func date(_ value: JSONValue?) throws(TokenRefusal) -> Double? {
    switch value {
    case nil: return nil
    case .number(let seconds): return seconds
    default: throw .malformed
    }
  }
}
