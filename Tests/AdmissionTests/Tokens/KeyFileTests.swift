import Crypto
import Testing

@testable import Admission

/// What key files hold, as text.
@Suite struct KeyFileTests {
  private func keys(_ text: String) throws(KeyFileError) -> [TokenKey] {
    let bytes = Array(text.utf8)
    return try TokenKey.keys(bytes.span)
  }

  private func names(_ text: String) throws(KeyFileError) -> [String?] {
    try keys(text).map { $0.id.map { String(decoding: $0, as: UTF8.self) } }
  }

  private func error(_ text: String) -> KeyFileError? {
    do throws(KeyFileError) {
      _ = try keys(text)
      return nil
    } catch {
      return error
    }
  }

  /// RFC 7517 §A.1.
  static let standard = """
    {"keys":
      [
        {"kty":"EC",
         "crv":"P-256",
         "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
         "use":"enc",
         "kid":"1"},

        {"kty":"RSA",
         "n": "\(modulus)",
         "e":"AQAB",
         "alg":"RS256",
         "kid":"2011-04-29"}
      ]
    }
    """

  static let modulus =
    """
    0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj\
    hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ\
    vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
    nqDKgw
    """

  @Test func `the standard's set has one key for signatures`() throws {
    let keys = try keys(Self.standard)
    #expect(keys.map(\.key.algorithm) == [.rs256])
    #expect(try names(Self.standard) == ["2011-04-29"])
    let both = Self.standard.replacing("\"use\":\"enc\"", with: "\"use\":\"sig\"")
    #expect(try self.keys(both).map(\.key.algorithm) == [.es256, .rs256])
  }

  @Test func `the standard's secrets are told apart by their algorithms`() throws {
    // RFC 7517 §A.3.
    let text = """
      {"keys":[{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"},
      {"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      "kid":"HMAC key used in JWS spec Appendix A.1 example"}]}
      """
    #expect(try keys(text).map(\.key.algorithm) == [.hs256])
    #expect(try names(text) == ["HMAC key used in JWS spec Appendix A.1 example"])
  }

  static let passedOver = [
    #"{"kty":"XYZ"}"#, #"{"kty":"rsa","n":1}"#, #"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
    #"{"kty":"EC","crv":"secp256k1"}"#, #"{"kty":"OKP","crv":"Ed448","x":"AA"}"#, #"{"kty":"OKP","crv":"X25519"}"#,
    #"{"kty":"RSA","alg":"RS512"}"#, #"{"kty":"RSA","alg":"PS256"}"#, #"{"kty":"RSA","alg":"RSA-OAEP"}"#,
    #"{"kty":"RSA","use":"enc"}"#, #"{"kty":"RSA","use":"tls"}"#, #"{"kty":"RSA","key_ops":["encrypt"]}"#,
    #"{"kty":"RSA","key_ops":[]}"#, #"{"kty":"oct","alg":"HS512","k":"AA"}"#,
    #"{"kty":"EC","crv":"P-256","alg":"ES384"}"#,
  ]

  @Test(arguments: passedOver)
  func `a key of another kind or use is passed over, however little sense it makes`(key: String) throws {
    let good = try SigningKey.make(.edDSA).members()
    #expect(try names(#"{"keys":[\#(key),{\#(good),"kid":"good"},\#(key)],"other":[1]}"#) == ["good"])
    #expect(try names(#"{"keys":[\#(key)]}"#) == [])
  }

  @Test func `a key for verifying says so or says nothing`() throws {
    let good = try SigningKey.make(.es256).members()
    for more in [
      "", #","use":"sig""#, #","alg":"ES256""#, #","key_ops":["verify"]"#, #","key_ops":["sign","verify"],"use":"sig""#,
      #","x5t":"AA","x5c":["AA"],"anything":{"a":[]}"#,
    ] {
      #expect(try keys(#"{"keys":[{\#(good)\#(more)}]}"#).count == 1)
    }
  }

  static let unusable: [(String, String)] = [
    ("{}", "kty"), (#"{"kty":1}"#, "kty"), ("[]", "kty"), ("null", "kty"), (#"{"kty":"EC"}"#, "crv"),
    (#"{"kty":"EC","crv":1}"#, "crv"), (#"{"kty":"EC","crv":"P-256"}"#, "x"), (#"{"kty":"OKP"}"#, "crv"),
    (#"{"kty":"EC","crv":"P-256","x":"AA"}"#, "y"), (#"{"kty":"OKP","crv":"Ed25519"}"#, "x"),
    (#"{"kty":"OKP","crv":"Ed25519","x":""}"#, "x"), (#"{"kty":"OKP","crv":"Ed25519","x":"A"}"#, "x"),
    (#"{"kty":"OKP","crv":"Ed25519","x":"AA=="}"#, "x"), (#"{"kty":"OKP","crv":"Ed25519","x":"AB"}"#, "x"),
    (#"{"kty":"RSA"}"#, "n"), (#"{"kty":"RSA","n":1}"#, "n"), (#"{"kty":"RSA","n":"AQAB"}"#, "e"),
    (#"{"kty":"RSA","n":"A+/B","e":"AQAB"}"#, "n"), (#"{"kty":"oct"}"#, "k"), (#"{"kty":"RSA","use":1}"#, "use"),
    (#"{"kty":"RSA","key_ops":"verify"}"#, "key_ops"), (#"{"kty":"RSA","alg":[]}"#, "alg"),
  ]

  @Test(arguments: unusable)
  func `a key of ours that is not usable is an error that names it`(key: String, member: String) throws {
    let good = try SigningKey.make(.edDSA).members()
    #expect(error(#"{"keys":[{\#(good)},\#(key)]}"#) == .member(name: member, place: "keys[1]"))
  }

  @Test func `an error shows the name of a key, escaped and cut`() throws {
    let long = String(repeating: "k", count: 100)
    #expect(
      error(#"{"keys":[{"kty":"RSA","kid":"a\u001b\n"}]}"#)
        == .member(name: "n", place: #"keys[0], kid "a\u{1B}\n""#))
    #expect(
      error(#"{"keys":[{"kty":"RSA","kid":"\#(long)"}]}"#)
        == .member(name: "n", place: "keys[0], kid \"\(long.prefix(80))\""))
    let good = try SigningKey.make(.edDSA).members()
    #expect(error(#"{"keys":[{\#(good),"kid":7}]}"#) == .member(name: "kid", place: "keys[0]"))
    #expect(
      error(#"{"keys":[{\#(good),"kid":"a"},{\#(good),"kid":"b"},{\#(good),"kid":"a"}]}"#)
        == .repeatedID(place: #"keys[2], kid "a""#))
  }

  @Test func `a key that is weak, off its curve or private is refused`() throws {
    let small = base64URL([0x80] + [UInt8](repeating: 1, count: 127))
    #expect(
      error(#"{"keys":[{"kty":"RSA","n":"\#(small)","e":"AQAB"}]}"#) == .key(.modulus(bits: 1024), place: "keys[0]"))
    #expect(error(#"{"keys":[{"kty":"RSA","n":"\#(Self.modulus)","e":"AQ"}]}"#) == .key(.exponent, place: "keys[0]"))
    #expect(error(#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#) == .key(.secret(bytes: 3), place: "keys[0]"))
    let zero = base64URL([UInt8](repeating: 0, count: 32))
    guard
      case .key(.malformed, place: "keys[0]")? = error(
        #"{"keys":[{"kty":"EC","crv":"P-256","x":"\#(zero)","y":"\#(zero)"}]}"#)
    else {
      Issue.record("a point off the curve was taken")
      return
    }
    for algorithm in [SignatureAlgorithm.rs256, .es256, .edDSA] {
      let members = try (algorithm == .rs256 ? SigningKey.rsa() : SigningKey.make(algorithm)).members()
      #expect(
        error(#"{"keys":[{\#(members),"d":"AQAB","kid":"x"}]}"#) == .key(.privateKey, place: #"keys[0], kid "x""#))
    }
  }

  @Test func `a set is JSON with a list of keys`() {
    for text in ["{}", #"{"keys":{}}"#, #"{"keys":null}"#, #"{"Keys":[]}"#] { #expect(error(text) == .noKeyList) }
    #expect(error("{") == .json(.syntax(at: 1)))
    #expect(error(#"{"keys":[],"keys":[]}"#) == .json(.repeatedName(at: 21)))
    #expect(error(#"{"keys":[{"kty":"RSA","kty":"oct"}]}"#) == .json(.repeatedName(at: 34)))
    #expect(error(#"{"keys":[\#(String(repeating: "[", count: 10))"#) == .json(.nesting(at: 15)))
  }

  @Test func `PEM keys have no names and keep their order`() throws {
    let (rsa, ec, ed) = (try SigningKey.rsa(), try SigningKey.make(.es256), try SigningKey.make(.edDSA))
    let text = try "# ours\n\n" + rsa.publicPEM() + ec.publicPEM() + "\n# next\n" + ed.publicPEM()
    #expect(try keys(text).map(\.key.algorithm) == [.rs256, .es256, .edDSA])
    #expect(try names(text) == [nil, nil, nil])
  }

  @Test func `a bad PEM block is named by its number`() throws {
    let good = try SigningKey.make(.es256).publicPEM()
    let privateKey = try SigningKey.make(.es256).privatePEM()
    #expect(error(good + privateKey) == .key(.privateKey, place: "PEM block 2"))
    #expect(error(privateKey) == .key(.privateKey, place: "PEM block 1"))
    let request = good.replacing("PUBLIC KEY", with: "X509 CRL")
    #expect(error(good + good + request) == .key(.block(label: "X509 CRL"), place: "PEM block 3"))
    guard case .key(.pem, place: "the file")? = error(good + good.dropLast(20)) else {
      Issue.record("a cut block was taken")
      return
    }
  }

  @Test(arguments: ["", " \n\t", "ssh-ed25519 AAAA", "null", "[]", "\u{FEFF}{}", "\0", "keys: []"])
  func `a file of another format is told to be one`(text: String) {
    #expect(error(text) == .unknownFormat)
  }

  @Test func `an error says what was given and what is allowed`() {
    #expect(
      "\(KeyFileError.key(.modulus(bits: 1024), place: "keys[3]"))"
        == "given an RSA key of 1024 bits in keys[3], allowed: RSA keys of 2048 to 8192 bits")
    #expect(
      "\(KeyFileError.json(.syntax(at: 7)))"
        == #"given a JWK Set with broken JSON at byte 7, allowed: a JWK Set such as {"keys": [...]}"#)
    #expect("\(KeyFileError.tooManyKeys)" == "given more than 1000 keys, allowed: at most 1000 keys")
  }
}
