import Crypto
import Testing

@testable import Admission

/// What a genuine token has to claim.
@Suite struct TokenRuleTests {
  let issuer: SigningKey
  let keys: KeySet
  let now = SignedToken.now

  init() throws {
    issuer = try SigningKey.make(.hs256)
    keys = try KeySet(issuer)
  }

  private func verdict(_ claims: String, rule: TokenRule = SignedToken.rule) throws -> TokenVerdict {
    try SignedToken(issuer, claims: claims).verdict(keys, rule: rule)
  }

  @Test(arguments: SignatureAlgorithm.allCases)
  func `a token of any of the algorithms lets its subject in`(algorithm: SignatureAlgorithm) throws {
    let issuer = try SigningKey.make(algorithm)
    let keys = try KeySet(issuer)
    for _ in 0..<20 {
      #expect(try SignedToken(issuer).verdict(keys) == .accepted(SignedToken.alice))
    }
    if algorithm != .hs256 {
      let pem = try issuer.publicPEM()
      let keys = try KeySet(TokenKey.keys(Array(pem.utf8).span), algorithms: [algorithm])
      #expect(try SignedToken(issuer).verdict(keys) == .accepted(SignedToken.alice))
    }
  }

  @Test func `a token is accepted until it expires, the leeway added`() throws {
    let token = try SignedToken(issuer, claims: #"{"sub":"a","exp":\#(now)}"#)
    #expect(token.verdict(keys, now: now + 29) != .refused(.expired))
    #expect(token.verdict(keys, now: now + 30) == .refused(.expired))
    #expect(token.verdict(keys, now: now + 1_000_000) == .refused(.expired))
    var exact = SignedToken.rule
    exact.leewaySeconds = 0
    #expect(token.verdict(keys, rule: exact, now: now - 1) != .refused(.expired))
    #expect(token.verdict(keys, rule: exact, now: now) == .refused(.expired))
  }

  @Test(arguments: [
    ("1770000060", 1_770_000_090), ("1770000060.0", 1_770_000_090), ("1770000060.25", 1_770_000_091),
    ("1.77000006e9", 1_770_000_090), ("9999999999999", 10_000_000_000_029 as Int), ("1e300", 1 << 53),
    ("9223372036854775807", 1 << 53), ("18446744073709551616", 1 << 53),
  ])
  func `the end of an identity is the first second at which its token is refused`(exp: String, expires: Int) throws {
    let identity = TokenIdentity(subject: [0x61], issuer: nil, expires: expires)
    let token = try SignedToken(issuer, claims: #"{"sub":"a","exp":\#(exp)}"#)
    #expect(token.verdict(keys) == .accepted(identity))
    if expires < 1 << 53 {
      #expect(token.verdict(keys, now: expires - 1) == .accepted(identity))
      #expect(token.verdict(keys, now: expires) == .refused(.expired))
    }
  }

  @Test(arguments: ["0", "-1", "-0", "-1e300", "1769999970", "1769999970.0", "1e-300"])
  func `a moment in the past is one, also before 1970`(exp: String) throws {
    #expect(try verdict(#"{"sub":"a","exp":\#(exp)}"#) == .refused(.expired))
  }

  @Test func `a token without an end is refused unless the rule allows it`() throws {
    #expect(try verdict(#"{"sub":"a"}"#) == .refused(.expiryMissing))
    var rule = SignedToken.rule
    rule.requiresExpiry = false
    #expect(
      try verdict(#"{"sub":"a"}"#, rule: rule)
        == .accepted(TokenIdentity(subject: [0x61], issuer: nil, expires: nil)))
    #expect(try verdict(#"{"sub":"a","exp":1}"#, rule: rule) == .refused(.expired))
  }

  @Test(arguments: ["nbf", "iat"])
  func `a token from the future is refused, the leeway allowed`(claim: String) throws {
    for (moment, isAccepted) in [
      ("0", true), ("-1e300", true), ("\(now)", true), ("\(now + 30)", true), ("\(now + 30).5", false),
      ("\(now + 31)", false), ("1e300", false), ("\(now)000", false),
    ] {
      let verdict = try verdict(#"{"sub":"alice","exp":1770000060,"\#(claim)":\#(moment)}"#)
      #expect(verdict == (isAccepted ? .accepted(SignedToken.alice) : .refused(.notYetValid)), "\(moment)")
    }
  }

  @Test func `the issuer is the one of the rule, byte for byte`() throws {
    var rule = SignedToken.rule
    rule.issuer = "https://id.example/"
    let exp = #""sub":"a","exp":1770000060"#
    let identity = TokenIdentity(subject: [0x61], issuer: Array("https://id.example/".utf8), expires: 1_770_000_090)
    #expect(try verdict(#"{\#(exp),"iss":"https://id.example/"}"#, rule: rule) == .accepted(identity))
    #expect(try verdict(#"{\#(exp),"iss":"https:\/\/id.example\/"}"#, rule: rule) == .accepted(identity))
    for other in ["https://id.example", "https://ID.example/", "https://id.example//", ""] {
      #expect(try verdict(#"{\#(exp),"iss":"\#(other)"}"#, rule: rule) == .refused(.issuer))
    }
    #expect(try verdict("{\(exp)}", rule: rule) == .refused(.issuer))
    #expect(try verdict(#"{\#(exp),"iss":"https://id.example/"}"#) == .accepted(identity), "no rule, anyone")
    rule.issuer = "caf\u{E9}"
    #expect(try verdict("{\(exp),\"iss\":\"cafe\u{301}\"}", rule: rule) == .refused(.issuer))
  }

  @Test(arguments: [
    (#""sluice""#, true), (#"["sluice"]"#, true), (#"["x","sluice"]"#, true), (#""gate""#, true), (#"["gate"]"#, true),
    (#""Sluice""#, false), (#""sluice ""#, false), (#""""#, false), ("[]", false), (#"["x"]"#, false),
    (#""sluice,gate""#, false),
  ])
  func `the token is for one whom the rule names`(audience: String, isAccepted: Bool) throws {
    var rule = SignedToken.rule
    rule.audience = ["sluice", "gate"]
    let claims = #"{"sub":"alice","exp":1770000060,"aud":\#(audience)}"#
    #expect(try verdict(claims, rule: rule) == (isAccepted ? .accepted(SignedToken.alice) : .refused(.audience)))
    #expect(try verdict(SignedToken.claims, rule: rule) == .refused(.audience))
    #expect(try verdict(claims) == .refused(.audience), "a rule that names nobody takes no token for somebody")
  }

  @Test func `a token is about somebody`() throws {
    #expect(try verdict(#"{"exp":1770000060}"#) == .refused(.subject))
    #expect(try verdict(#"{"exp":1770000060,"sub":""}"#) == .refused(.subject))
    let name = "caf\u{E9} \u{1F600}/x"
    #expect(
      try verdict(#"{"exp":1770000060,"sub":"\#(name)"}"#)
        == .accepted(TokenIdentity(subject: Array(name.utf8), issuer: nil, expires: 1_770_000_090)))
  }

  @Test(arguments: [
    #""exp":"1770000060""#, #""exp":null"#, #""exp":true"#, #""exp":[1770000060]"#, #""exp":{}"#,
    #""exp":1770000060,"nbf":"0""#, #""exp":1770000060,"iat":false"#, #""exp":1e400"#, #""exp":NaN"#, #""exp":-"#,
    #""exp":1770000060,"iss":1"#, #""exp":1770000060,"iss":null"#, #""exp":1770000060,"iss":["x"]"#,
    #""exp":1770000060,"aud":1"#, #""exp":1770000060,"aud":null"#, #""exp":1770000060,"aud":["x",1]"#,
    #""exp":1770000060,"aud":[["x"]]"#, #""exp":1770000060,"aud":{"x":1}"#, #""exp":1770000060,"iss":"a\u0000b""#,
    #""exp":1770000060,"iss":"a\nb""#, #""exp":1770000060,"exp":1770000060"#, #""exp":1,"\u0065xp":1770000060"#,
    #""exp":1770000060,"x":1,"x":2"#, #""exp":1770000060,"x":{"y":1,"y":1}"#,
  ])
  func `a claim of another form makes a token malformed`(claims: String) throws {
    #expect(try verdict(#"{"sub":"a",\#(claims)}"#) == .refused(.malformed))
  }

  @Test(arguments: [
    "", "null", "[]", "1", #""x""#, "{", #"{"sub":"a"}{}"#, #"{"sub":7,"exp":1770000060}"#,
    #"{"sub":"a\u0000","exp":1770000060}"#, #"{"sub":"a\r\nSet-Cookie: x","exp":1770000060}"#,
    #"{"sub":"\ud800","exp":1770000060}"#, #"{"sub":"a\u007f","exp":1770000060}"#, "\u{FEFF}" + SignedToken.claims,
    SignedToken.claims + "\0",
  ])
  func `claims are one object, and names have no control characters`(claims: String) throws {
    #expect(try verdict(claims) == .refused(.malformed))
  }

  @Test func `claims may nest sixteen deep`() throws {
    func nested(_ depth: Int) -> String {
      let list = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      return #"{"sub":"alice","exp":1770000060,"x":\#(list)}"#
    }
    #expect(try verdict(nested(15)) == .accepted(SignedToken.alice))
    #expect(try verdict(nested(16)) == .refused(.malformed))
    #expect(try verdict(nested(2500)) == .refused(.malformed))
  }

  @Test func `a token may be as long as the rule says and no longer`() throws {
    func token(_ filling: Int) throws -> SignedToken {
      let filling = String(repeating: "x", count: filling)
      return try SignedToken(issuer, claims: #"{"sub":"alice","exp":1770000060,"x":"\#(filling)"}"#)
    }
    let token = try token(3000)
    var rule = SignedToken.rule
    rule.maxTokenBytes = token.text.utf8.count
    #expect(token.verdict(keys, rule: rule) == .accepted(SignedToken.alice))
    rule.maxTokenBytes -= 1
    #expect(token.verdict(keys, rule: rule) == .refused(.tooLarge))
    #expect(SignedToken.verdict(String(repeating: "a", count: 10_000_000), keys) == .refused(.tooLarge))
  }
}
