import Bytes
import Crypto

@testable import Admission

/// A token as an issuer, honest or not, makes it.
struct SignedToken {
  /// A moment in the tests: 2026 in seconds since 1970.
  static let now = 1_770_000_000

  /// Claims that nothing is wrong with.
  static let claims = #"{"sub":"alice","exp":1770000060}"#

  /// A rule that asks for nothing but an expiry.
  static let rule = TokenRule(
    issuer: nil, audience: [], leewaySeconds: 30, requiresExpiry: true, maxTokenBytes: 8 * 1024)

  /// What `claims` let in, the leeway included.
  static let alice = TokenIdentity(subject: Array("alice".utf8), issuer: nil, expires: 1_770_000_090)

  let text: String

  /// Signs what is given, whatever it is.
  init(header: String, claims: String = Self.claims, signedBy key: SigningKey) throws {
    let input = "\(base64URL(Array(header.utf8))).\(base64URL(Array(claims.utf8)))"
    text = "\(input).\(base64URL(try key.sign(Array(input.utf8))))"
  }

  /// The usual header of a key.
  init(_ key: SigningKey, id: String? = nil, claims: String = Self.claims) throws {
    let name = id.map { ",\"kid\":\"\($0)\"" } ?? ""
    try self.init(header: "{\"alg\":\"\(key.algorithm)\"\(name)}", claims: claims, signedBy: key)
  }

  /// Header, payload and signature, still encoded.
  var parts: [String] { text.split(separator: ".", omittingEmptySubsequences: false).map(String.init) }

  /// What a gateway with these keys says.
  func verdict(_ keys: KeySet, rule: TokenRule = Self.rule, now: Int = Self.now) -> TokenVerdict {
    Self.verdict(text, keys, rule: rule, now: now)
  }

  /// What it says about any text.
  static func verdict(
    _ text: String, _ keys: KeySet, rule: TokenRule = Self.rule, now: Int = Self.now
  ) -> TokenVerdict {
    verdict(Array(text.utf8), keys, rule: rule, now: now)
  }

  /// What it says about any bytes.
  static func verdict(
    _ bytes: [UInt8], _ keys: KeySet, rule: TokenRule = Self.rule, now: Int = Self.now
  ) -> TokenVerdict {
    rule.judge(bytes.span, with: keys, now: now)
  }
}

extension KeySet {
  /// The keys of issuers, without names.
  init(_ issuers: SigningKey...) throws {
    try self.init(issuers.map { try $0.key() }, algorithms: SignatureAlgorithm.allCases)
  }
}
