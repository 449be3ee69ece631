/// What was wrong with a key that somebody configured; a bad signature is no error but an answer.
public enum CryptoError: Error, Equatable, Sendable {
  /// A text holds a PEM block that does not end or is not base64; the value is OpenSSL's reason.
  case pem(reason: String)
  /// A PEM block of another kind, such as a signing request; the value is its label.
  case block(label: String)
  /// A private key, which has no business in a gateway that only verifies.
  case privateKey
  /// Bytes that are no key of the kind they should be; the value is OpenSSL's reason.
  case malformed(reason: String)
  /// A key of a kind that no supported algorithm uses; the value is OpenSSL's name for it.
  case unsupported(kind: String)
  /// An RSA key whose modulus is too small to be safe or too large to be quick.
  case modulus(bits: Int)
  /// An RSA key whose exponent is even, 1 or longer than 64 bits.
  case exponent
  /// A secret that is short enough to be guessed.
  case secret(bytes: Int)
}

extension CryptoError {
  /// What was found, without anything of a key's content.
  public var given: String {
    switch self {
    case .pem(let reason): "a broken PEM block (\(reason))"
    case .block(let label): "a PEM block \"\(label)\""
    case .privateKey: "a private key"
    case .malformed(let reason): "a malformed key (\(reason))"
    case .unsupported(let kind): "a key of the kind \(kind)"
    case .modulus(let bits): "an RSA key of \(bits) bits"
    case .exponent: "an RSA key with an unsafe exponent"
    case .secret(let bytes): "a secret of \(bytes) bytes"
    }
  }

  /// What would have been accepted instead.
  public var allowed: String {
    switch self {
    case .pem, .block: "PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE"
    case .privateKey: "the public key alone"
    case .malformed, .unsupported: "a public key: RSA, EC on P-256 or Ed25519"
    case .modulus: "RSA keys of \(PublicKey.modulusBits.lowerBound) to \(PublicKey.modulusBits.upperBound) bits"
    case .exponent: "an odd exponent from 3 to 64 bits long, such as 65537"
    case .secret: "a secret of \(SharedSecret.minimumBytes) bytes or more"
    }
  }
}

extension CryptoError: CustomStringConvertible {
  /// What was given and what is allowed.
  public var description: String { "given \(given), allowed: \(allowed)" }
}
