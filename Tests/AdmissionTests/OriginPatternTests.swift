import Testing

@testable import Admission

@Suite struct OriginPatternTests {
  @Test(arguments: [
    // The origin itself, however it is spelled.
    ("https://app.example.com", "https://app.example.com", true),
    ("https://app.example.com", "HTTPS://App.Example.COM", true),
    ("HTTPS://APP.example.com:443", "https://app.example.com", true),
    ("https://app.example.com", "https://app.example.com:443", true),
    ("http://app.example.com:80", "http://app.example.com", true),
    ("https://app.example.com:8443", "https://app.example.com:8443", true),
    ("http://[::1]:3000", "http://[0:0:0:0:0:0:0:1]:3000", true),
    ("http://127.0.0.1:3000", "http://127.0.0.1:3000", true),
    ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", true),
    ("capacitor://localhost", "capacitor://localhost", true),
    // Another scheme, port or host.
    ("https://app.example.com", "http://app.example.com", false),
    ("http://app.example.com", "https://app.example.com", false),
    ("https://app.example.com", "https://app.example.com:80", false),
    ("https://app.example.com", "https://app.example.com:8443", false),
    ("https://app.example.com:8443", "https://app.example.com", false),
    ("https://app.example.com", "https://example.com", false),
    ("https://example.com", "https://app.example.com", false),
    ("https://bucher.example", "https://xn--bcher-kva.example", false),
    // Lookalikes.
    ("https://app.example.com", "https://app.example.com.evil.org", false),
    ("https://app.example.com", "https://evilapp.example.com", false),
    ("https://app.example.com", "https://app-example.com", false),
    ("https://app.example.com", "https://appxexample.com", false),
    ("https://app.example.com", "https://app.example.co", false),
    ("https://app.example.com", "https://app.example.comm", false),
    ("https://app.example.com", "https://evil.org#https://app.example.com", false),
    ("https://app.example.com", "https://evil.org/https://app.example.com", false),
    ("https://app.example.com", "https://app.example.com@evil.org", false),
    ("https://app.example.com", "https://evil@app.example.com", false),
    ("https://app.example.com", "https://app.example.com.", false),
    ("https://app.example.com", "https://аpp.example.com", false),
    // No serialized origins.
    ("https://app.example.com", "https://app.example.com/", false),
    ("https://app.example.com", "https://app.example.com?", false),
    ("https://app.example.com", " https://app.example.com", false),
    ("https://app.example.com", "https://app.example.com, https://evil.org", false),
    ("https://app.example.com", "https://app.example.com https://evil.org", false),
    ("https://app.example.com", "https://app.example.com\r\nX: y", false),
    ("https://app.example.com", "app.example.com", false),
    ("https://app.example.com", "", false),
    ("https://app.example.com", "null", false),
    ("https://app.example.com", "*", false),
  ])
  func `an exact pattern lists one origin`(pattern: String, origin: String, isListed: Bool) throws {
    #expect(try OriginPattern(pattern).matches(origin) == isListed)
  }

  @Test(arguments: [
    ("https://*.example.com", "https://app.example.com", true),
    ("https://*.Example.com", "https://APP.example.com", true),
    ("https://*.example.com:443", "https://app.example.com", true),
    ("https://*.example.com", "https://xn--bcher-kva.example.com", true),
    ("http://*.localhost:3000", "http://a.localhost:3000", true),
    ("https://*.example.com:8443", "https://app.example.com:8443", true),
    ("https://*.example.com", "https://example.com", false),
    ("https://*.example.com", "https://.example.com", false),
    ("https://*.example.com", "https://a.b.example.com", false),
    ("https://*.example.com", "https://evilexample.com", false),
    ("https://*.example.com", "https://a.evilexample.com", false),
    ("https://*.example.com", "https://a.example.com.evil.org", false),
    ("https://*.example.com", "https://a.example.com.", false),
    ("https://*.example.com", "http://app.example.com", false),
    ("https://*.example.com", "https://app.example.com:8443", false),
    ("https://*.example.com:8443", "https://app.example.com", false),
    ("https://*.example.com", "https://*.example.com", false),
    ("https://*.example.com", "null", false),
  ])
  func `a wildcard lists exactly one label more`(pattern: String, origin: String, isListed: Bool) throws {
    #expect(try OriginPattern(pattern).matches(origin) == isListed)
  }

  @Test(arguments: [
    ("*", "https://a.example", true), ("*", "http://127.0.0.1:1", true), ("*", "null", false),
    ("*", "https://a.example/", false), ("*", "nonsense", false), ("null", "null", true),
    ("null", "https://null", false), ("null", "NULL", false),
  ])
  func `all origins are not null, and null is none of them`(pattern: String, origin: String, isListed: Bool) throws {
    #expect(try OriginPattern(pattern).matches(origin) == isListed)
  }

  @Test(arguments: [
    ("HTTPS://App.Example.com:443", "https://app.example.com"), ("http://[0::1]:80", "http://[::1]"),
    ("https://*.Example.com:8443", "https://*.example.com:8443"), ("*", "*"), ("null", "null"),
  ])
  func `a pattern is written normalized`(text: String, written: String) throws {
    #expect(try OriginPattern(text).description == written)
  }

  static let form = "scheme://host[:port], https://*.host[:port], * or null"
  static let oneStar = "* alone, or once and as the whole first label, as in https://*.example.com"
  static let hostAndPort = "a host name or address (IPv6 in brackets) and a port from 1 to 65535: \(form)"

  @Test(arguments: [
    ("", "an origin with its scheme: \(form)"),
    ("app.example.com", "an origin with its scheme: \(form)"),
    ("app.example.com:443", "an origin with its scheme: \(form)"),
    ("//app.example.com", "an origin with its scheme: \(form)"),
    ("1http://a.example", "an origin with its scheme: \(form)"),
    ("ht tp://a.example", "an origin with its scheme: \(form)"),
    ("*://app.example.com", "an origin with its scheme: \(form)"),
    ("*.example.com", "an origin with its scheme: \(form)"),
    ("https://app.example.com/", "an origin without path, slash or query, such as https://app.example.com"),
    ("https://app.example.com:8443/x", "an origin without path, slash or query, such as https://app.example.com:8443"),
    ("https://app.example.com?x", "an origin without path, slash or query, such as https://app.example.com"),
    ("https://app.example.com#x", "an origin without path, slash or query, such as https://app.example.com"),
    ("https://me@app.example.com", "an origin without a user: \(form)"),
    ("https://bücher.example", "the host in its ASCII form (xn--…), as browsers send it"),
    ("https://app.example.com.", "the host without the dot at its end"),
    ("https://*.example.com.", "the host without the dot at its end"),
    ("https://*", oneStar),
    ("https://*example.com", oneStar),
    ("https://app.*.com", oneStar),
    ("https://a*.example.com", oneStar),
    ("https://*.*.example.com", oneStar),
    ("https://app.example.com:*", oneStar),
    ("**", "an origin with its scheme: \(form)"),
    ("https://*.127.0.0.1", "* only below a host name, with http or https"),
    ("https://*.[::1]", "* only below a host name, with http or https"),
    ("app://*.example.com", "* only below a host name, with http or https"),
    ("https://", hostAndPort),
    ("https://:443", hostAndPort),
    ("https://app.example.com:0", hostAndPort),
    ("https://app.example.com:65536", hostAndPort),
    ("https://app.example.com:", hostAndPort),
    ("https://::1", hostAndPort),
    ("https://127.1", hostAndPort),
    ("https://a b", hostAndPort),
    ("https://a.example,https", hostAndPort),
  ])
  func `what is no pattern is refused with what would be one`(text: String, allowed: String) {
    #expect(throws: AdmissionError.origin(given: text, allowed: allowed)) { try OriginPattern(text) }
  }

  @Test func `a pattern is at most 512 bytes`() {
    let text = "https://" + String(repeating: "a", count: 505)
    #expect(throws: AdmissionError.origin(given: text, allowed: "at most 512 bytes")) { try OriginPattern(text) }
  }

  @Test func `an error says what was given and what is allowed`() {
    #expect(
      AdmissionError.origin(given: "x", allowed: "an origin").description == "given \"x\", allowed: an origin")
    #expect(
      AdmissionError.headerName(given: "*").description
        == "given \"*\", allowed: the name of one header field, such as X-Request-Id (no *)")
  }
}
