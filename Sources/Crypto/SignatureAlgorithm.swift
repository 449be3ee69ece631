/// How a token may be signed (RFC 7518 §3.1, RFC 8037 §3.1); the raw value is its name on the wire.
///
/// A key is for exactly one of these, so nothing that a token says can choose another one for it.
public enum SignatureAlgorithm: String, CaseIterable, Hashable, Sendable {
  /// HMAC with SHA-256 and a secret that both sides know.
  case hs256 = "HS256"
  /// RSA with PKCS #1 v1.5 padding and SHA-256.
  case rs256 = "RS256"
  /// ECDSA on the curve P-256 with SHA-256.
  case es256 = "ES256"
  /// Ed25519; the other curve that the name may mean, Ed448, is not supported.
  case edDSA = "EdDSA"
}

extension SignatureAlgorithm: CustomStringConvertible {
  /// The name on the wire.
  public var description: String { rawValue }
}
