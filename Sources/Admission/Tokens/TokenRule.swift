internal import Bytes
internal import Crypto

/// Which tokens let a client in, besides being signed with one of the keys.
public struct TokenRule: Sendable, Equatable {
  /// Who must have issued it; `nil` for anyone who has a key.
  public var issuer: String?
  /// Whom it must be for, at least one of these.
  ///
  /// Where this is empty, only tokens for nobody in particular pass (RFC 7519 §4.1.3).
  public var audience: [String]
  /// By how many seconds the issuer's clock may be off; 0 or more.
  public var leewaySeconds: Int
  /// Whether a token has to expire.
  public var requiresExpiry: Bool
  /// The longest token that is looked at.
  public var maxTokenBytes: Int

  /// Puts a rule together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - issuer: who must have issued a token.
  ///   - audience: whom it may be for.
  ///   - leewaySeconds: by how much the issuer's clock may be off.
  ///   - requiresExpiry: whether a token has to expire.
  ///   - maxTokenBytes: the longest token that is looked at.
  public init(issuer: String?, audience: [String], leewaySeconds: Int, requiresExpiry: Bool, maxTokenBytes: Int) {
    self.issuer = issuer
    self.audience = audience
    self.leewaySeconds = leewaySeconds
    self.requiresExpiry = requiresExpiry
    self.maxTokenBytes = maxTokenBytes
  }

  /// Judges a token.
  ///
  /// Its claims are read only once its signature was found to be right.
  ///
  /// - Parameters:
  ///   - token: the bytes as they came, of any length.
  ///   - keys: what it may be signed with.
  ///   - now: seconds since 1970.
  /// - Returns: whom it lets in, or why nobody.
  public func judge(_ token: Span<UInt8>, with keys: KeySet, now: Int) -> TokenVerdict {
    do throws(TokenRefusal) {
      guard token.count <= maxTokenBytes else { throw .tooLarge }
      let parts = try JSONWebToken(token)
      let candidates = try keys.candidates(for: parts.algorithm, id: parts.keyID)
      let signed = token.extracting(parts.signed)
      guard candidates.contains(where: { $0.verifies(parts.signature.span, of: signed) }) else { throw .signature }
      return .accepted(try identity(TokenClaims(token.extracting(parts.payload)), now: Double(now)))
    } catch {
      return .refused(error)
    }
  }

  /// Whom claims that are genuine let in.
  private func identity(_ claims: TokenClaims, now: Double) throws(TokenRefusal) -> TokenIdentity {
    let leeway = Double(leewaySeconds)
    if let expires = claims.expires {
      guard now < expires + leeway else { throw .expired }
    } else if requiresExpiry {
      throw .expiryMissing
    }
    guard (claims.notBefore ?? now) <= now + leeway, (claims.issuedAt ?? now) <= now + leeway else {
      throw .notYetValid
    }
    if let issuer {
      guard let given = claims.issuer, issuer.utf8.elementsEqual(given) else { throw .issuer }
    }
    guard accepts(claims.audience) else { throw .audience }
    guard let subject = claims.subject, !subject.isEmpty else { throw .subject }
    return TokenIdentity(
      subject: subject, issuer: claims.issuer, expires: claims.expires.map { TokenRule.second(from: $0 + leeway) })
  }

  private func accepts(_ given: [[UInt8]]?) -> Bool {
    guard let given else { return audience.isEmpty }
    return given.contains { name in audience.contains { $0.utf8.elementsEqual(name) } }
  }

  /// The first whole second that is not before a moment; moments beyond what a `Double` counts exactly are cut off.
  private static func second(from moment: Double) -> Int {
    let limit = 0x1p53
    return Int(min(max(moment.rounded(.up), -limit), limit))
  }
}
