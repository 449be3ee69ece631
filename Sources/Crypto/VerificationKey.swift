/// What proves who signed something: a public key, or a secret that both sides know.
public enum VerificationKey: Sendable {
  /// A key whose private half only the signer has.
  case publicKey(PublicKey)
  /// A secret that the signer has, too.
  case secret(SharedSecret)

  /// The only algorithm that this key is for.
  public var algorithm: SignatureAlgorithm {
    switch self {
    case .publicKey(let key): key.algorithm
    case .secret: .hs256
    }
  }

  /// Whether a signature was made of a message with the other half of this key.
  ///
  /// - Parameters:
  ///   - signature: the bytes as RFC 7515 carries them: for ES256 r and s of 32 bytes each.
  ///   - message: what was signed.
  /// - Returns: whether it was; any malformed signature was not.
  public func verifies(_ signature: Span<UInt8>, of message: Span<UInt8>) -> Bool {
    switch self {
    case .publicKey(let key): key.verifies(signature, of: message)
    case .secret(let secret): secret.verifies(signature, of: message)
    }
  }
}
