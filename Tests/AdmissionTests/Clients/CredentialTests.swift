import Bytes
import Testing
import Wire

@testable import Admission

@Suite struct CookieFilterTests {
  private func filter(_ selection: CookieSelection, _ values: [String]) -> String? {
    var fields = FieldSection()
    fields.append("Host", "a=b")
    for value in values { fields.append("Cookie", value) }
    return CookieFilter(selection).value(from: fields).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    arguments: [
      (["sid=1; theme=dark; lang=en"], "sid=1; lang=en"),
      (["lang=en; sid=1"], "lang=en; sid=1"),
      (["sid=1; theme=dark; sid=2"], "sid=1; sid=2"),
      (["sid=\"1 2\"; x=y"], "sid=\"1 2\""),
      (["sid=a=b;lang="], "sid=a=b; lang="),
      (["SID=1; sidx=2; xsid=3; sid2=4"], nil),
      (["x=y"], nil),
      (["sid"], nil),
      (["sid =1"], nil),
      (["=sid; sid"], nil),
      ([""], nil),
      ([], nil),
      (["x=y; sid=1", "lang=en", "sid=2"], "sid=1; lang=en; sid=2"),
      // Read with quotes in mind, session would be a part of sid.
      (["sid=\"; session=2; lang=x\"; sid=3"], "lang=x\"; sid=3"),
    ] as [([String], String?)])
  func `only the cookies of the list pass, in their order`(values: [String], expected: String?) {
    #expect(filter(.named(["lang", "sid"]), values) == expected)
  }

  @Test func `all pass as they came, or none`() {
    let odd = "a; =b;; c=\"d"
    #expect(filter(.pass, [odd]) == odd)
    #expect(filter(.pass, ["a=b", "c=d"]) == "a=b; c=d")
    #expect(filter(.pass, []) == nil && filter(.pass, [""]) == nil)
    #expect(filter(.none, ["a=b"]) == nil)
  }

  @Test func `one flag for all credentials is all or none`() {
    #expect(CredentialForwarding.all == CredentialForwarding(authorization: true, cookies: .pass))
    #expect(CredentialForwarding.none == CredentialForwarding(authorization: false, cookies: .none))
  }

  @Test func `a selection is written as it stands in the settings`() {
    #expect(
      "\(CookieSelection.none) \(CookieSelection.pass) \(CookieSelection.named(["a", "b"]))" == "none pass [a, b]")
    #expect(CookieSelection.isName("__Host-sid") && !CookieSelection.isName("a b") && !CookieSelection.isName(""))
  }
}

@Suite struct SetCookiePolicyTests {
  private func passes(_ selection: CookieSelection, _ value: String) -> Bool {
    SetCookiePolicy(selection).passes(Array(value.utf8).span)
  }

  @Test(arguments: [
    ("sid=1; Path=/; HttpOnly; Secure; SameSite=Lax", true), ("sid=", true), (" sid = 1", true),
    ("__Host-sid=1; Secure; Path=/", true), ("Sid=1", false), ("sid2=1", false), ("si=1", false),
    ("other=1; sid=2", false), ("sid", false), ("=sid=1", false), ("; sid=1", false), ("sid\u{1}=1", false),
    ("sid=1; Path=/\u{1}", false), ("", false),
  ])
  func `only the cookies of the list are set`(value: String, isPassed: Bool) {
    #expect(passes(.named(["sid", "__Host-sid"]), value) == isPassed)
    #expect(!passes(.none, value))
  }

  @Test(arguments: [
    ("sid=1", true), ("anything=at all; Domain=example.com", true), ("a b=1", false), ("=1", false), ("1", false),
    ("a=b\u{0}", false), ("a=b\r\nSet-Cookie: c=d", false), ("ä=1", false),
  ])
  func `where all pass, only proper ones do`(value: String, isPassed: Bool) {
    #expect(passes(.pass, value) == isPassed)
  }
}
