import Testing
import Wire

@testable import Admission

@Suite struct CORSRequestTests {
  private func request(_ fields: [(StaticString, String)], isCostly: Bool = true) throws -> CORSRequest {
    var section = FieldSection()
    for (name, value) in fields { section.append(name, value) }
    let head = try RequestHead(
      method: .options, path: Array("/".utf8), query: nil, version: .http11, authority: Array("gate.example".utf8).span,
      fields: section)
    return CORSRequest(head, authority: head.authority, isCostly: isCostly)
  }

  @Test func `a head without any of the fields says nothing`() throws {
    #expect(
      try request([("Accept", "*/*")])
        == CORSRequest(
          origin: nil, authority: "gate.example", fetchSite: nil, method: "OPTIONS", requestedMethod: nil,
          requestedHeaders: nil, requestsPrivateNetwork: false))
  }

  @Test func `every field has its place`() throws {
    let fields: [(StaticString, String)] = [
      ("Origin", "https://app.example.com"), ("Sec-Fetch-Site", "cross-site"),
      ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type"),
      ("access-control-request-private-network", "true"),
    ]
    #expect(
      try request(fields)
        == CORSRequest(
          origin: "https://app.example.com", authority: "gate.example", fetchSite: "cross-site", method: "OPTIONS",
          requestedMethod: "POST", requestedHeaders: "content-type", requestsPrivateNetwork: true))
  }

  @Test func `several origins are none, wherever the listed one stands`() throws {
    let listed = "https://app.example.com"
    for second in ["https://evil.org", listed, "null", ""] {
      for pair in [[listed, second], [second, listed]] {
        let request = try request(pair.map { ("Origin", $0) })
        let verdict = try CORSPolicyTests.policy([listed, "null"]).decide(request, methods: ["GET"])
        #expect(verdict == .refused(.originNotListed(pair.joined(separator: ", "))))
      }
    }
  }

  @Test func `every one of the requested header fields is looked at`() throws {
    let fields: [(StaticString, String)] = [
      ("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET"),
      ("Access-Control-Request-Headers", "content-type"), ("Access-Control-Request-Headers", "x-other"),
    ]
    let verdict = try CORSPolicyTests.policy(["*"]).decide(request(fields), methods: ["GET"])
    #expect(verdict == .refused(.headerNotAllowed("x-other")))
  }

  @Test func `several methods and several sites are none`() throws {
    let methods: [(StaticString, String)] = [
      ("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET"),
      ("Access-Control-Request-Method", "GET"),
    ]
    let verdict = try CORSPolicyTests.policy(["*"]).decide(request(methods), methods: ["GET"])
    #expect(verdict == .refused(.methodNotAllowed("GET, GET")))
    let sites: [(StaticString, String)] = [
      ("Origin", "https://evil.org"), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin"),
    ]
    #expect(
      try CORSPolicy.sameOriginOnly.decide(request(sites), methods: ["GET"])
        == .refused(.originNotListed("https://evil.org")))
  }

  @Test func `a link from another site may lead to what costs nothing`() throws {
    let link: [(StaticString, String)] = [("Sec-Fetch-Site", "cross-site")]
    #expect(
      try CORSPolicy.sameOriginOnly.decide(request(link), methods: ["GET"]) == .refused(.crossSiteWithoutOrigin))
    #expect(try CORSPolicy.sameOriginOnly.decide(request(link, isCostly: false), methods: ["GET"]) == .sameOrigin)
    let page = link + [("Origin", "https://evil.org")]
    #expect(
      try CORSPolicy.sameOriginOnly.decide(request(page, isCostly: false), methods: ["GET"])
        == .refused(.originNotListed("https://evil.org")))
  }

  @Test(arguments: [
    (["true"], true), ([], false), (["True"], false), (["1"], false), ([""], false), (["true", "true"], true),
    (["true", "false"], false),
  ])
  func `a private network is asked for with one word`(values: [String], isAsked: Bool) throws {
    let fields = values.map { ("Access-Control-Request-Private-Network" as StaticString, $0) }
    let preflight: [(StaticString, String)] = [("Access-Control-Request-Method", "GET")]
    #expect(try request(preflight + fields).requestsPrivateNetwork == isAsked)
    #expect(try !request(fields).requestsPrivateNetwork)
  }
}
