/// What was wrong with a certificate, a key or a list of authorities that somebody configured.
public enum TLSError: Error, Equatable, Sendable {
  /// A text without a single PEM block of the kind it should have.
  case noBlock(kind: TLSPart)
  /// A PEM block that is broken, or holds something else; the value is OpenSSL's reason.
  case malformed(kind: TLSPart, reason: String)
  /// A private key that only opens with a password, which nobody is there to type.
  case encryptedKey
  /// The key is another one than the certificate's.
  case keyMismatch
  /// More certificates than are kept.
  case tooMany(kind: TLSPart)
  /// OpenSSL takes none of this, such as a key that is too short; the value is its reason.
  case refused(reason: String)
}

/// The kinds of files that TLS needs.
public enum TLSPart: String, Equatable, Sendable {
  /// A certificate, and those between it and a root.
  case certificate
  /// The private key of a certificate.
  case key = "private key"
  /// Certificates of authorities.
  case authorities = "CA certificate"
}

extension TLSError {
  /// What was found, without anything of a key's content.
  public var given: String {
    switch self {
    case .noBlock(let kind): "a file without a PEM \(kind.rawValue)"
    case .malformed(let kind, let reason): "a broken PEM \(kind.rawValue) (\(reason))"
    case .encryptedKey: "a private key that needs a password"
    case .keyMismatch: "a private key that is not the certificate's"
    case .tooMany(let kind): "too many of \(kind.rawValue)"
    case .refused(let reason): "what OpenSSL does not take (\(reason))"
    }
  }

  /// What would have been accepted instead.
  public var allowed: String {
    switch self {
    case .noBlock(.certificate), .malformed(.certificate, _):
      "a PEM file with the certificate, and those between it and a root behind it"
    case .noBlock(.authorities), .malformed(.authorities, _): "a PEM file with the certificates of authorities"
    case .noBlock(.key), .malformed(.key, _), .encryptedKey: "a PEM file with the private key, without a password"
    case .keyMismatch: "the private key that belongs to the certificate"
    case .tooMany(.certificate): "at most \(TLSCertificate.maximumChain) certificates"
    case .tooMany: "at most \(TLSAuthorities.maximumCount) certificates"
    case .refused: "RSA keys of 2048 bits or more, EC on P-256 or P-384, or Ed25519"
    }
  }
}

extension TLSError: CustomStringConvertible {
  /// What was given and what is allowed.
  public var description: String { "given \(given), allowed: \(allowed)" }
}
