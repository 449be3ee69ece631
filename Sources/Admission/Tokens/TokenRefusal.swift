/// Why a client's token does not let it in.
public enum TokenRefusal: Error, Sendable, Equatable, CaseIterable {
  /// There is no token where the route looks for one.
  case missing
  /// There are several that differ, and none is guessed to be the right one.
  case ambiguous
  /// It is longer than allowed.
  case tooLarge
  /// It is no token, or says something in a form that it may not have.
  case malformed
  /// It is a token for another purpose, such as a logout (RFC 8725 §3.11).
  case type
  /// It demands an extension that the gateway does not have (RFC 7515 §4.1.11).
  case critical
  /// It is signed in a way that no key here is for; `none` is such a way.
  case algorithm
  /// It names a key that is not here.
  case keyUnknown
  /// It was not signed with a key that is here, or was changed afterwards.
  case signature
  /// It has expired.
  case expired
  /// It does not say when it expires.
  case expiryMissing
  /// It is not valid yet, or was issued in the future.
  case notYetValid
  /// It comes from another issuer.
  case issuer
  /// It is for others.
  case audience
  /// It does not say whom it is about.
  case subject

  /// The one word for this refusal in logs and metrics.
  public var word: StaticString {
    switch self {
    case .missing: "token_missing"
    case .ambiguous: "token_ambiguous"
    case .tooLarge: "token_too_large"
    case .malformed: "token_malformed"
    case .type: "token_type"
    case .critical: "token_critical"
    case .algorithm: "token_algorithm"
    case .keyUnknown: "token_key_unknown"
    case .signature: "token_signature"
    case .expired: "token_expired"
    case .expiryMissing: "token_expiry_missing"
    case .notYetValid: "token_not_yet_valid"
    case .issuer: "token_issuer"
    case .audience: "token_audience"
    case .subject: "token_subject"
    }
  }

  /// The status of the answer (RFC 6750 §3.1): 400 where it is the request that is wrong, 401 otherwise.
  public var status: Int { self == .ambiguous ? 400 : 401 }

  /// The value of the answer's `WWW-Authenticate` field (RFC 6750 §3), fixed text without anything of the token.
  public var challenge: String {
    switch self {
    // Who showed no token is not told of an error (RFC 6750 §3.1).
    case .missing: "Bearer realm=\"sluice\""
    case .ambiguous: "Bearer realm=\"sluice\", error=\"invalid_request\", error_description=\"\(description)\""
    default: "Bearer realm=\"sluice\", error=\"invalid_token\", error_description=\"\(description)\""
    }
  }
}

extension TokenRefusal: CustomStringConvertible {
  /// A sentence for people, safe to send: ASCII without quotation marks and backslashes.
  public var description: String {
    switch self {
    case .missing: "a token is required"
    case .ambiguous: "the request has more than one token"
    case .tooLarge: "the token is too large"
    case .malformed: "the token is malformed"
    case .type: "the token is of another type"
    case .critical: "the token demands an unsupported extension"
    case .algorithm: "the token is signed with an algorithm that is not allowed"
    case .keyUnknown: "the token names an unknown key"
    case .signature: "the token has no valid signature"
    case .expired: "the token has expired"
    case .expiryMissing: "the token does not expire"
    case .notYetValid: "the token is not valid yet"
    case .issuer: "the token is from another issuer"
    case .audience: "the token is for another audience"
    case .subject: "the token has no subject"
    }
  }
}
