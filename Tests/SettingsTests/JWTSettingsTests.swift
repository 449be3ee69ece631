import Admission
import Crypto
import Testing

@testable import Settings

/// The section `authentication`, read on its own.
@Suite struct JWTSettingsTests {
  private let keys: KeyFolder
  private var folder: String { keys.path }

  init() throws {
    keys = try KeyFolder()
    try keys.write("keys.json", Self.set)
    try keys.write("secret", "0123456789abcdef0123456789abcdef\n")
  }

  /// The key of the folder as a JWK Set.
  private static let set =
    #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#

  /// Reads a section of one line, `@` standing for the folder.
  private func read(_ yaml: String) -> (settings: AuthenticationSettings?, problems: [String]) {
    let report = SettingsReport(file: "gate.yaml")
    let text = "authentication: {\(yaml.replacing("@", with: folder))}"
    let settings = SettingsNode(yaml: text, report: report).flatMap { root in
      SettingsReader(root: root, report: report).read { reader in
        reader.optionalSection("authentication", "How clients prove who they are.") {
          AuthenticationSettings($0, upstreams: ["chat"])
        }
      }
    }
    return (settings, report.error().problems.map { $0.description.replacing(folder, with: "@") })
  }

  private func jwt(_ yaml: String) throws -> JWTSettings {
    let (settings, problems) = read("jwt: {\(yaml)}")
    #expect(problems == [])
    return try #require(settings?.jwt)
  }

  private func problems(_ yaml: String) -> [String] {
    read("jwt: {\(yaml)}").problems.map { $0.replacing("gate.yaml:1: authentication.", with: "") }
  }

  @Test func `what the file does not say is the default`() throws {
    let settings = try jwt("keys: @/keys.pem")
    #expect(settings == .default(keyFile: "\(folder)/keys.pem", secretFile: nil))
    #expect(settings.algorithms == [.rs256, .es256, .edDSA, .hs256])
    #expect(
      settings.rule
        == TokenRule(issuer: nil, audience: [], leewaySeconds: 30, requiresExpiry: true, maxTokenBytes: 8192))
    #expect(settings.sources == TokenSources(header: true, cookie: nil, query: nil))
    #expect(!settings.endsStream)
  }

  @Test func `every key is read`() throws {
    let settings = try jwt(
      """
      keys: @/keys.json, secret: @/secret, algorithms: [HS256, EdDSA], issuer: "https://id.example/",
      audience: [sluice, gate], leeway: 2m, require_expiry: false, token_size: 4KiB, ends_stream: true,
      sources: {header: false, cookie: __Host-token, query: access_token}
      """)
    #expect(
      settings
        == JWTSettings(
          keyFile: "\(folder)/keys.json", secretFile: "\(folder)/secret", algorithms: [.hs256, .edDSA],
          rule: TokenRule(
            issuer: "https://id.example/", audience: ["sluice", "gate"], leewaySeconds: 120, requiresExpiry: false,
            maxTokenBytes: 4096),
          sources: TokenSources(header: false, cookie: "__Host-token", query: "access_token"), endsStream: true))
  }

  @Test func `a secret alone will do`() throws {
    #expect(try jwt("secret: @/secret") == .default(keyFile: nil, secretFile: "\(folder)/secret"))
  }

  @Test func `an empty section asks nobody`() {
    let (settings, problems) = read("")
    #expect(settings == AuthenticationSettings(jwt: nil))
    #expect(problems == [])
  }

  static let values: [(String, String)] = [
    ("keys: keys.pem", #"jwt.keys: given "keys.pem", allowed: the absolute path of a file"#),
    ("keys: @/keys.pem, leeway: 11m", #"jwt.leeway: given "11m", allowed: \#(time) from 0s to 10m"#),
    ("keys: @/keys.pem, leeway: 500ms", #"jwt.leeway: given "500ms", allowed: \#(time) from 0s to 10m"#),
    ("keys: @/keys.pem, token_size: 1MiB", #"jwt.token_size: given "1MiB", allowed: \#(size) from 256B to 64KiB"#),
    ("keys: @/keys.pem, algorithms: [none]", #"jwt.algorithms[0]: given "none", allowed: \#(names)"#),
    ("keys: @/keys.pem, algorithms: [rs256]", #"jwt.algorithms[0]: given "rs256", allowed: \#(names)"#),
    (
      "keys: @/keys.pem, algorithms: [EdDSA, EdDSA]",
      #"jwt.algorithms[1]: given "EdDSA" again, allowed: each item once"#
    ),
    (#"keys: @/keys.pem, issuer: """#, #"jwt.issuer: given "", allowed: \#(name)"#),
    (#"keys: @/keys.pem, audience: ["a\nb"]"#, #"jwt.audience[0]: given "a\nb", allowed: \#(name)"#),
    (
      "keys: @/keys.pem, audience: sluice",
      #"jwt.audience: given "sluice", allowed: a list of 0 to 16 items, each \#(name)"#
    ),
    (
      "keys: @/keys.pem, sources: {cookie: a=b}",
      #"jwt.sources.cookie: given "a=b", allowed: the name of a cookie of at most 128 bytes, such as session"#
    ),
    ("keys: @/keys.pem, sources: {query: run}", #"jwt.sources.query: given "run", allowed: \#(query)"#),
    (
      "keys: @/keys.pem, sources: {query: last_event_id}",
      #"jwt.sources.query: given "last_event_id", allowed: \#(query)"#
    ),
    ("keys: @/keys.pem, sources: {query: a&b}", #"jwt.sources.query: given "a&b", allowed: \#(query)"#),
    (
      "keys: @/keys.pem, sources: {header: false}",
      "jwt.sources.header: given no place for a token, allowed: at least one of header, cookie and query"
    ),
    ("keys: @/keys.pem, require_expiry: maybe", #"jwt.require_expiry: given "maybe", allowed: true or false"#),
    ("audience: [a]", "jwt.keys: given nothing, allowed: keys, secret or both"),
    (
      "secret: @/secret, algorithms: [RS256]",
      "jwt.algorithms: given a list without HS256, allowed: HS256 among them, because there is a secret"
    ),
  ]

  @Test(arguments: values)
  func `a value that is none is refused`(yaml: String, problem: String) {
    #expect(problems(yaml) == [problem])
  }

  @Test func `a secret in the file itself is refused and not shown`() {
    let allowed = "the absolute path of a file, never the secret itself"
    #expect(
      problems("secret: 0123456789abcdef0123456789abcdef")
        == ["jwt.secret: given a text that is no absolute path, allowed: \(allowed)"])
  }

  @Test func `a file that cannot be used is refused where it is named`() throws {
    #expect(
      problems("keys: @/none")
        == [
          #"jwt.keys: given "@/none", a file that cannot be read (no such file or directory), "#
            + "allowed: a readable file"
        ])
    #expect(
      problems("keys: @") == [#"jwt.keys: given "@", something that is no regular file, allowed: a readable file"#])
    #expect(
      problems("keys: @/keys.pem, secret: @/keys.json, algorithms: [HS256]") == [],
      "a secret is any bytes")
    try keys.write("bad", "short\n")
    #expect(
      problems("keys: @/keys.pem, secret: @/bad")
        == [#"jwt.secret: given "@/bad", a secret of 5 bytes in the file, allowed: a secret of 32 bytes or more"#])
    #expect(
      problems("keys: @/bad")
        == [
          #"jwt.keys: given "@/bad", a file that is neither PEM nor a JWK Set, "#
            + "allowed: PEM public keys or certificates, or a JWK Set"
        ])
    try keys.write("bad", #"{"keys":[{"kty":"RSA","kid":"2026-01"}]}"#)
    #expect(
      problems("keys: @/bad")
        == [
          #"jwt.keys: given "@/bad", a missing or malformed "n" in keys[0], kid "2026-01", "#
            + "allowed: a JSON Web Key with all that its kind needs"
        ])
    #expect(
      problems("keys: @/keys.pem, algorithms: [RS256]")
        == [
          #"jwt.keys: given "@/keys.pem", no key of an allowed algorithm and 1 of others, "#
            + "allowed: at least one key of an allowed algorithm"
        ])
  }

  static let time = "a time in whole seconds with its unit (s, m, h, d)"
  static let size = "a size with its unit (B, KiB, MiB, GiB)"
  static let names = "RS256, ES256, EdDSA or HS256"
  static let name = "a name of 1 to 512 bytes without control characters"
  static let query = "a name of at most 128 letters, digits, _, - and . other than run and last_event_id"
}
