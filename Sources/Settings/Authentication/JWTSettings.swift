public import Admission
public import Crypto

/// How clients prove with a JSON Web Token who they are.
public struct JWTSettings: Sendable, Equatable {
  /// The path of a file with PEM public keys, certificates or a JWK Set; `nil` without one.
  public var keyFile: String?
  /// The path of a file with the secret of HS256; `nil` without one, but only where there is a `keyFile`.
  public var secretFile: String?
  /// What tokens may be signed with; a key is only ever used for its own algorithm.
  public var algorithms: [SignatureAlgorithm]
  /// What a token has to claim.
  public var rule: TokenRule
  /// Where in a request the token is; at least one place.
  public var sources: TokenSources
  /// Whether a stream ends when the token of its request expires.
  public var endsStream: Bool

  /// Puts token settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - keyFile: the path of a file with public keys.
  ///   - secretFile: the path of a file with a secret.
  ///   - algorithms: what tokens may be signed with.
  ///   - rule: what a token has to claim.
  ///   - sources: where in a request the token is.
  ///   - endsStream: whether a stream ends when its token expires.
  public init(
    keyFile: String?, secretFile: String?, algorithms: [SignatureAlgorithm], rule: TokenRule, sources: TokenSources,
    endsStream: Bool
  ) {
    self.keyFile = keyFile
    self.secretFile = secretFile
    self.algorithms = algorithms
    self.rule = rule
    self.sources = sources
    self.endsStream = endsStream
  }

  /// What holds where the file says nothing, for the keys of one file.
  public static func `default`(keyFile: String?, secretFile: String?) -> JWTSettings {
    JWTSettings(
      keyFile: keyFile, secretFile: secretFile, algorithms: [.rs256, .es256, .edDSA, .hs256],
      rule: TokenRule(
        issuer: nil, audience: [], leewaySeconds: 30, requiresExpiry: true, maxTokenBytes: 8 * 1024),
      sources: TokenSources(header: true, cookie: nil, query: nil), endsStream: false)
  }
}

extension JWTSettings {
  /// Reads token settings; `nil` without a usable key, which the reader has noted.
  ///
  /// The files are read as well: a gateway whose keys are no keys would let nobody in.
  init?(_ reader: SettingsReader) {
    let standard = JWTSettings.default(keyFile: nil, secretFile: nil)
    let keyFile = JWTSettings.keyFile(reader)
    let secretFile = JWTSettings.secretFile(reader)
    let algorithms = reader.values(
      "algorithms", default: standard.algorithms, count: 1...4, allowed: "RS256, ES256, EdDSA or HS256",
      "What tokens may be signed with; a key is only ever used for its own algorithm."
    ) { (text: String) throws(Mismatch) -> SignatureAlgorithm in
      guard let algorithm = SignatureAlgorithm(rawValue: text) else { throw Mismatch("RS256, ES256, EdDSA or HS256") }
      return algorithm
    }
    let rule = TokenRule(reader, default: standard.rule)
    let sources = reader.section("sources", "Where the token is; in several places only if they have the same one.") {
      TokenSources($0, default: standard.sources)
    }
    let endsStream = reader.flag(
      "ends_stream", default: standard.endsStream, "Whether a stream ends when the token of its request expires.")
    self.init(
      keyFile: keyFile, secretFile: secretFile, algorithms: algorithms, rule: rule, sources: sources,
      endsStream: endsStream)
    guard check(reader) else { return nil }
  }

  private static func keyFile(_ reader: SettingsReader) -> String? {
    reader.optional(
      "keys", allowed: "the absolute path of a file",
      "A file with PEM public keys, certificates or a JWK Set, read again when it changes."
    ) { $0.hasPrefix("/") ? $0 : nil }
  }

  private static func secretFile(_ reader: SettingsReader) -> String? {
    let allowed = "the absolute path of a file, never the secret itself"
    let path = reader.optional(
      "secret", allowed: allowed, "A file with the secret of HS256, at least 32 bytes, read again when it changes."
    ) { $0 }
    guard let path, !path.hasPrefix("/") else { return path }
    // Not shown, because it may be the secret.
    reader.refuse("secret", given: "a text that is no absolute path", allowed: allowed)
    return nil
  }

  /// Whether there is a key with which a token could be accepted.
  private func check(_ reader: SettingsReader) -> Bool {
    guard keyFile != nil || secretFile != nil else {
      if !reader.has("keys"), !reader.has("secret") {
        reader.refuse("keys", given: "nothing", allowed: "keys, secret or both")
      }
      return false
    }
    // Where none could be read, that is the problem to solve first.
    guard !algorithms.isEmpty else { return false }
    if secretFile != nil, !algorithms.contains(.hs256) {
      reader.refuse("algorithms", given: "a list without HS256", allowed: "HS256 among them, because there is a secret")
      return false
    }
    do throws(KeyRing.Failure) {
      _ = try KeyRing(keyFile: keyFile, secretFile: secretFile, algorithms: algorithms, now: 0)
      return true
    } catch {
      reader.refuse(
        error.path == keyFile ? "keys" : "secret", given: "\(SettingsProblem.quoted(error.path)), \(error.error.given)",
        allowed: error.error.allowed)
      return false
    }
  }
}
