internal import Admission

extension TokenRule {
  /// Reads what a token has to claim.
  init(_ reader: SettingsReader, default standard: TokenRule) {
    let name = "a name of 1 to 512 bytes without control characters"
    let issuer = reader.optional(
      "issuer", allowed: name, "Who must have issued the token, exactly as in its iss; without it, whoever has a key."
    ) { TokenRule.isName($0) ? $0 : nil }
    let audience = reader.values(
      "audience", default: standard.audience, count: 0...16, allowed: name,
      "Whom the token must be for, at least one of these; with none, tokens that are for somebody are refused."
    ) { (text: String) throws(Mismatch) -> String in
      guard TokenRule.isName(text) else { throw Mismatch(name) }
      return text
    }
    let leeway = reader.duration(
      "leeway", default: .seconds(standard.leewaySeconds), in: .zero ... .seconds(600), scale: .seconds,
      "By how much the issuer's clock may be off.")
    self.init(
      issuer: issuer,
      audience: audience,
      leewaySeconds: Int(leeway.components.seconds),
      requiresExpiry: reader.flag(
        "require_expiry", default: standard.requiresExpiry, "Whether tokens that never expire are refused."),
      maxTokenBytes: reader.byteCount(
        "token_size", default: standard.maxTokenBytes, in: 256...64 * 1024,
        "The longest token; it also has to fit into head_size."))
  }

  private static func isName(_ text: String) -> Bool {
    (1...512).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }
}
