import Testing

@testable import Admission

@Suite struct TokenRefusalTests {
  @Test func `every refusal has a word of its own`() {
    let words = TokenRefusal.allCases.map { "\($0.word)" }
    #expect(
      words == [
        "token_missing", "token_ambiguous", "token_too_large", "token_malformed", "token_type", "token_critical",
        "token_algorithm", "token_key_unknown", "token_signature", "token_expired", "token_expiry_missing",
        "token_not_yet_valid", "token_issuer", "token_audience", "token_subject",
      ])
  }

  @Test func `the challenge is the standard's`() {
    #expect(TokenRefusal.missing.challenge == #"Bearer realm="sluice""#)
    #expect(
      TokenRefusal.expired.challenge
        == #"Bearer realm="sluice", error="invalid_token", error_description="the token has expired""#)
    #expect(
      TokenRefusal.ambiguous.challenge
        == #"Bearer realm="sluice", error="invalid_request", error_description="the request has more than one token""#)
    for refusal in TokenRefusal.allCases {
      #expect(refusal.status == (refusal == .ambiguous ? 400 : 401))
      // RFC 6750 §3: what a description may hold.
      #expect(refusal.description.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C })
      #expect(refusal == .missing || refusal.challenge.contains(refusal.description))
    }
  }
}

@Suite struct Base64URLTests {
  @Test func `every byte comes back`() {
    for count in 0...40 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      #expect(Base64URL.decoded(Array(base64URL(bytes).utf8).span) == bytes)
    }
    let all = (0...255).map { UInt8($0) }
    #expect(Base64URL.decoded(Array(base64URL(all).utf8).span) == all)
    // RFC 7515 §C.
    #expect(Base64URL.decoded(Array("A-z_4ME".utf8).span) == [3, 236, 255, 224, 193])
  }

  @Test(arguments: [
    "A", "AAAAA", "AA==", "AAA=", "A A", "AA\n", " AA", "A+AA", "A/AA", "AB", "AAB", "A\0AA", "AAA\u{E9}",
  ])
  func `anything else is none`(text: String) {
    #expect(Base64URL.decoded(Array(text.utf8).span) == nil)
  }
}
