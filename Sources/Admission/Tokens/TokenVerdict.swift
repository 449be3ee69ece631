/// What is to be done with a request because of its token.
public enum TokenVerdict: Sendable, Equatable {
  /// The token is genuine, and this is who it speaks of.
  case accepted(TokenIdentity)
  /// It lets nobody in.
  case refused(TokenRefusal)
}

/// Whom a genuine token speaks of.
///
/// Texts are kept as bytes, because Unicode has texts that are equal to Swift and are other names to their issuer.
public struct TokenIdentity: Sendable, Equatable {
  /// Who, as UTF-8 without control characters, not empty.
  ///
  /// Only together with the issuer it means one person (RFC 7519 §4.1.2).
  public let subject: [UInt8]
  /// Who says so: UTF-8 without control characters, `nil` where the token does not tell.
  public let issuer: [UInt8]?
  /// The first second since 1970 at which the token is refused, the leeway included; `nil` where it never expires.
  public let expires: Int?

  /// Puts an identity together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - subject: who.
  ///   - issuer: who says so.
  ///   - expires: the first second since 1970 at which the token is refused.
  public init(subject: [UInt8], issuer: [UInt8]?, expires: Int?) {
    self.subject = subject
    self.issuer = issuer
    self.expires = expires
  }
}
