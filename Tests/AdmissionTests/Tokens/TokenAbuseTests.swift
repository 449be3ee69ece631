import Crypto
import Testing

@testable import Admission

/// Tokens that somebody made up, changed or signed with what they had.
@Suite struct TokenAbuseTests {
  let rsa: SigningKey
  let ec: SigningKey
  let ed: SigningKey
  let keys: KeySet

  init() throws {
    rsa = try SigningKey.rsa()
    ec = try SigningKey.make(.es256)
    ed = try SigningKey.make(.edDSA)
    keys = try KeySet(
      [rsa.key(id: "rsa"), ec.key(id: "ec"), ed.key(id: "ed")], algorithms: SignatureAlgorithm.allCases)
  }

  private func encoded(_ text: String) -> String { base64URL(Array(text.utf8)) }

  @Test(arguments: [
    "none", "None", "NONE", "nOnE", "", "HS256 ", " RS256", "rs256", "RS256\\u0000", "HS384", "HS512", "RS384", "RS512",
    "PS256", "ES384", "ES512", "ES256K", "EdDSA25519", "Ed448", "RSA-OAEP", "dir", "A128KW", "null",
  ])
  func `an algorithm that no key is for is refused, none above all`(name: String) throws {
    let header = #"{"alg":"\#(name)","kid":"rsa"}"#
    for key in [rsa, ec, ed] {
      #expect(try SignedToken(header: header, signedBy: key).verdict(keys) == .refused(.algorithm))
    }
    let unsigned = "\(encoded(header)).\(encoded(SignedToken.claims))."
    #expect(SignedToken.verdict(unsigned, keys) == .refused(.algorithm))
  }

  @Test func `the standard's unsecured token is refused`() {
    // RFC 7519 §6.1.
    let token =
      "eyJhbGciOiJub25lIn0."
      + "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    #expect(SignedToken.verdict(token, keys) == .refused(.algorithm))
  }

  @Test(arguments: ["{}", #"{"alg":null}"#, #"{"alg":1}"#, #"{"alg":["RS256"]}"#, #"{"ALG":"RS256"}"#])
  func `a header names its algorithm as a string`(header: String) throws {
    #expect(try SignedToken(header: header, signedBy: rsa).verdict(keys) == .refused(.malformed))
  }

  @Test func `a public key is never taken for a secret`() throws {
    let pem = try rsa.publicPEM()
    let fromPEM = try KeySet(TokenKey.keys(Array(pem.utf8).span), algorithms: SignatureAlgorithm.allCases)
    for known in [pem, String(pem.dropLast()), try rsa.members(), pem.replacing("\n", with: "\r\n")] {
      let forger = SigningKey.secret(Array(known.utf8))
      for set in [keys, fromPEM] {
        #expect(try SignedToken(forger).verdict(set) == .refused(.algorithm))
        #expect(try SignedToken(forger, id: "rsa").verdict(set) == .refused(.algorithm))
      }
    }
  }

  @Test func `nor where there is a secret as well`() throws {
    let issuer = try SigningKey.make(.hs256)
    let both = try KeySet([rsa.key(id: "rsa"), issuer.key()], algorithms: SignatureAlgorithm.allCases)
    let forger = SigningKey.secret(Array(try rsa.publicPEM().utf8))
    #expect(try SignedToken(forger).verdict(both) == .refused(.signature))
    #expect(try SignedToken(forger, id: "rsa").verdict(both) == .refused(.algorithm))
    #expect(try SignedToken(issuer).verdict(both) == .accepted(SignedToken.alice))
  }

  @Test func `a token does not choose what its key is used for`() throws {
    for (key, id) in [(rsa, "rsa"), (ec, "ec"), (ed, "ed")] {
      for other in SignatureAlgorithm.allCases where other != key.algorithm {
        let token = try SignedToken(header: #"{"alg":"\#(other)","kid":"\#(id)"}"#, signedBy: key)
        #expect(token.verdict(keys) == .refused(.algorithm))
        let nameless = try SignedToken(header: #"{"alg":"\#(other)"}"#, signedBy: key)
        #expect(nameless.verdict(keys) == .refused(other == .hs256 ? .algorithm : .signature))
      }
    }
  }

  @Test(arguments: SignatureAlgorithm.allCases)
  func `a token signed with another key of the same kind is refused`(algorithm: SignatureAlgorithm) throws {
    let (issuer, stranger) = (try SigningKey.make(algorithm), try SigningKey.make(algorithm))
    let keys = try KeySet([issuer.key(id: "a")], algorithms: SignatureAlgorithm.allCases)
    #expect(try SignedToken(stranger).verdict(keys) == .refused(.signature))
    #expect(try SignedToken(stranger, id: "a").verdict(keys) == .refused(.signature))
    #expect(try SignedToken(stranger, id: "b").verdict(keys) == .refused(.keyUnknown))
    #expect(try SignedToken(issuer, id: "b").verdict(keys) == .refused(.keyUnknown))
    #expect(try SignedToken(issuer, id: "a").verdict(keys) == .accepted(SignedToken.alice))
  }

  @Test func `a key in the token itself is not looked at`() throws {
    let forger = try SigningKey.make(.rs256)
    for header in [
      #"{"alg":"RS256","jwk":{\#(try forger.members())}}"#, #"{"alg":"RS256","jku":"https://evil.example/keys"}"#,
      #"{"alg":"RS256","x5u":"https://evil.example/cert"}"#, #"{"alg":"RS256","x5c":["AAAA"]}"#,
    ] {
      #expect(try SignedToken(header: header, signedBy: forger).verdict(keys) == .refused(.signature))
      #expect(try SignedToken(header: header, signedBy: rsa).verdict(keys) == .accepted(SignedToken.alice))
    }
  }

  @Test func `the name of a key is only a name`() throws {
    for id in ["../../dev/null", "rsa' OR '1'='1", "rsa\\u0000", "rsa\\n", "RSA", "", " rsa"] {
      #expect(try SignedToken(rsa, id: id).verdict(keys) == .refused(.keyUnknown))
    }
    for id in ["1", "null", #"["rsa"]"#] {
      let token = try SignedToken(header: #"{"alg":"RS256","kid":\#(id)}"#, signedBy: rsa)
      #expect(token.verdict(keys) == .refused(.malformed))
    }
    #expect(try SignedToken(rsa, id: "\\u0072sa").verdict(keys) == .accepted(SignedToken.alice))
  }

  @Test func `no byte of a token may differ`() throws {
    let issuer = try SigningKey.make(.hs256)
    let keys = try KeySet(issuer)
    let token = Array(try SignedToken(issuer).text.utf8)
    for index in token.indices {
      for byte: UInt8 in [0, 0x0A, 0x20, 0x2B, 0x2E, 0x2F, 0x3D, 0x41, 0x5F, 0x80, 0xFF] where byte != token[index] {
        var changed = token
        changed[index] = byte
        guard case .refused = SignedToken.verdict(changed, keys) else {
          Issue.record("taken with \(byte) at \(index)")
          continue
        }
      }
    }
  }

  @Test func `a payload of one token does not go with the signature of another`() throws {
    for key in [rsa, ec, ed] {
      let (alice, bob) = (try SignedToken(key), try SignedToken(key, claims: #"{"sub":"bob","exp":1770000060}"#))
      let mixed = [alice.parts[0], bob.parts[1], alice.parts[2]].joined(separator: ".")
      #expect(SignedToken.verdict(mixed, keys) == .refused(.signature))
    }
  }

  @Test func `claims are not believed, nor even read, before the signature is right`() throws {
    let stranger = try SigningKey.make(.es256)
    for claims in ["{", "not json", #"{"sub":"a","exp":1}"#, #"{"exp":"x"}"#] {
      #expect(try SignedToken(stranger, claims: claims).verdict(keys) == .refused(.signature))
    }
  }
}

/// What a token looks like before anything in it is understood.
@Suite struct TokenFormTests {
  let key: SigningKey
  let keys: KeySet

  init() throws {
    key = try SigningKey.make(.es256)
    keys = try KeySet(key)
  }

  private func encoded(_ text: String) -> String { base64URL(Array(text.utf8)) }

  @Test func `three parts make a token`() throws {
    let token = try SignedToken(key).text
    let parts = token.split(separator: ".").map(String.init)
    let (header, payload, signature) = (parts[0], parts[1], parts[2])
    for text in [
      "", ".", "..", "...", "a", "a.b", "a.b.c", header, "\(header).\(payload)", ".\(payload).\(signature)",
      "\(header)\(payload)\(signature)", "\(header),\(payload),\(signature)", "{\"payload\":\"\(payload)\"}",
      "\(token).", ".\(token)", "\(token).x.y", "\(header)..\(payload).\(signature)", "Bearer \(token)", "\"\(token)\"",
      "\(token) ", " \(token)", "\(token)\n", "\(token)\0",
    ] {
      #expect(SignedToken.verdict(text, keys) == .refused(.malformed), "\(text)")
    }
    for payload in ["", "\(payload)\0", "\(payload)="] {
      #expect(SignedToken.verdict("\(header).\(payload).\(signature)", keys) == .refused(.signature))
    }
    #expect(SignedToken.verdict("\(header).\(payload).", keys) == .refused(.signature))
  }

  @Test func `a token that is cut anywhere is refused`() throws {
    let token = try SignedToken(key).text
    for count in 0..<token.count {
      guard case .refused = SignedToken.verdict(String(token.prefix(count)), keys) else {
        Issue.record("taken after \(count)")
        continue
      }
    }
  }

  @Test func `base64url has one form`() throws {
    // 64 bytes of signature leave four bits over in the last character, and 2 of padding.
    let token = try SignedToken(key)
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    let last = try #require(token.text.last)
    let value = try #require(alphabet.firstIndex(of: last))
    #expect(value % 16 == 0)
    for more in 1...15 {
      #expect(SignedToken.verdict(token.text.dropLast() + String(alphabet[value + more]), keys) == .refused(.malformed))
    }
    for text in ["\(token.text)=", "\(token.text)==", "\(token.text)A", "\(token.text)AA"] {
      guard case .refused = SignedToken.verdict(text, keys) else {
        Issue.record("taken: \(text)")
        continue
      }
    }
    let standard = token.text.replacing("-", with: "+").replacing("_", with: "/")
    if standard != token.text { #expect(SignedToken.verdict(standard, keys) == .refused(.malformed)) }
  }

  @Test(arguments: [
    #"{"alg":"ES256","alg":"ES256"}"#, #"{"alg":"none","alg":"ES256"}"#, #"{"alg":"ES256","\u0061lg":"none"}"#,
    #"{"\u0061lg":"none","alg":"ES256"}"#, #"{"alg":"ES256","kid":"a","kid":"b"}"#, "", "{}x", "[]", "null",
    #""ES256""#, #"{"alg":"ES256""#, #"{"alg":"ES256",}"#, #"{'alg':'ES256'}"#, "\u{FEFF}{\"alg\":\"ES256\"}",
    "{\"alg\":\"ES256\"}\0", #"{"alg":"ES256","x":[[[[[]]]]]}"#, #"{"alg":"ES256","typ":1}"#,
    #"{"alg":"ES256","kid":{}}"#,
  ])
  func `a header is one object with each name once`(header: String) throws {
    #expect(try SignedToken(header: header, signedBy: key).verdict(keys) == .refused(.malformed))
  }

  @Test func `a header may be written with escapes and white space`() throws {
    for header in [#"{"\u0061lg":"\u0045S256"}"#, " { \"alg\" :\r\n\t\"ES256\" } ", #"{"x":[[[]]],"alg":"ES256"}"#] {
      #expect(try SignedToken(header: header, signedBy: key).verdict(keys) == .accepted(SignedToken.alice))
    }
  }

  @Test func `a header that is no UTF-8 is refused`() throws {
    let header = base64URL(Array("{\"alg\":\"ES256\",\"x\":\"".utf8) + [0xFF] + Array("\"}".utf8))
    let input = "\(header).\(encoded(SignedToken.claims))"
    let signature = base64URL(try key.sign(Array(input.utf8)))
    #expect(SignedToken.verdict("\(input).\(signature)", keys) == .refused(.malformed))
  }

  @Test(arguments: [#"["exp"]"#, "[]", "null", #"["b64"],"b64":false"#, #""x""#, "{}"])
  func `a token that demands an extension is refused`(critical: String) throws {
    let token = try SignedToken(header: #"{"alg":"ES256","crit":\#(critical)}"#, signedBy: key)
    #expect(token.verdict(keys) == .refused(.critical))
  }

  @Test func `a token is one for access`() throws {
    for type in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/jwt", "application/at+jwt", "Application/AT+jwt"] {
      let token = try SignedToken(header: #"{"alg":"ES256","typ":"\#(type)"}"#, signedBy: key)
      #expect(token.verdict(keys) == .accepted(SignedToken.alice))
    }
    for type in ["", "JOSE", "logout+jwt", "dpop+jwt", "secevent+jwt", "JWT ", "application/", "text/jwt"] {
      let token = try SignedToken(header: #"{"alg":"ES256","typ":"\#(type)"}"#, signedBy: key)
      #expect(token.verdict(keys) == .refused(.type), "\(type)")
    }
  }

  @Test func `a signature in DER is none`() throws {
    let parts = try SignedToken(key).parts
    let der = base64URL(try key.signEncoded(Array("\(parts[0]).\(parts[1])".utf8)))
    #expect(SignedToken.verdict("\(parts[0]).\(parts[1]).\(der)", keys) == .refused(.signature))
  }

  @Test func `r and s are in range`() throws {
    let parts = try SignedToken(key).parts
    for byte: UInt8 in [0, 0xFF] {
      let signature = base64URL([UInt8](repeating: byte, count: 64))
      #expect(SignedToken.verdict("\(parts[0]).\(parts[1]).\(signature)", keys) == .refused(.signature))
    }
  }

  @Test func `many members cost no more than their number`() throws {
    // As many as fit, the last a repetition, before the signature is looked at.
    let members = (0..<1000).map { "\"\($0)\":0" }.joined(separator: ",")
    let header = #"{"alg":"ES256",\#(members),"999":1}"#
    #expect(try SignedToken(header: header, signedBy: key).verdict(keys) == .refused(.tooLarge))
    var rule = SignedToken.rule
    rule.maxTokenBytes = 64 * 1024
    #expect(try SignedToken(header: header, signedBy: key).verdict(keys, rule: rule) == .refused(.malformed))
  }

  @Test func `the standard's example is genuine, long expired and about nobody`() throws {
    // RFC 7515 §A.1 and RFC 7519 §3.1.
    let token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      + "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    let set = """
      {"keys":[{"kty":"oct",
      "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}
      """
    let keys = try KeySet(TokenKey.keys(Array(set.utf8).span), algorithms: [.hs256])
    #expect(SignedToken.verdict(token, keys, now: 1_300_819_409) == .refused(.subject))
    #expect(SignedToken.verdict(token, keys, now: 1_300_819_410) == .refused(.expired))
  }
}
