import Admission
import Bytes
import Testing
import Wire

@testable import Gateway

@Suite struct GateTests {
  private func judge(_ request: String, cors: CORSPolicy = .sameOriginOnly) throws -> (GateVerdict, FieldSection) {
    let router = Router()
    let asset = Asset(path: "/page", contentType: "text/html", bytes: [])
    router.add(
      host: nil, .exact("/page"), Route(name: "/page", action: .asset(asset), methods: ["GET", "HEAD"], cors: cors))
    var parser = RequestHeadParser(limits: HeadLimits(headBytes: 8192, targetBytes: 4096))
    let head = try #require(try parser.parse(Array((request + "\r\n\r\n").utf8).span)?.head)
    var fields = FieldSection()
    let client = ClientAddress.resolve(
      peer: .unixSocket, fields: head.fields, trusted: TrustedProxies([]), source: .xForwardedFor)
    return (Gate.judge(head, client, router, &fields), fields)
  }

  private func status(_ verdict: GateVerdict) -> Int {
    if case .answered(let response) = verdict { response.head.status } else { 0 }
  }

  private func policy() throws -> CORSPolicy {
    try CORSPolicy(
      origins: [OriginPattern("https://app.example.com")], credentials: true, allowedHeaders: [], exposedHeaders: [],
      maxAge: .seconds(60))
  }

  @Test func `the same origin and clients without one are admitted`() throws {
    for origin in ["", "\r\nOrigin: http://x", "\r\nOrigin: http://x:80"] {
      let (verdict, fields) = try judge("GET /page HTTP/1.1\r\nHost: x\(origin)")
      #expect(status(verdict) == 0)
      #expect(fields.string(.vary) == "Origin")
    }
  }

  @Test func `another origin is refused before anything is contacted`() throws {
    let (verdict, _) = try judge("GET /page HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example", cors: policy())
    #expect(status(verdict) == 403)
  }

  @Test func `a listed origin is echoed with credentials`() throws {
    let request = "GET /page HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example.com"
    let (verdict, fields) = try judge(request, cors: policy())
    #expect(status(verdict) == 0)
    let text = String(decoding: fields.bytes, as: UTF8.self)
    #expect(text.contains("https://app.example.com") && text.contains("Access-Control-Allow-Credentials"))
  }

  @Test func `a preflight is answered here`() throws {
    let (verdict, fields) = try judge(
      "OPTIONS /page HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: GET",
      cors: policy())
    #expect(status(verdict) == 204)
    #expect(fields.string(.vary)?.contains("Access-Control-Request-Headers") == true)
  }

  @Test func `unknown paths and methods say what there is`() throws {
    #expect(status(try judge("GET /nope HTTP/1.1\r\nHost: x").0) == 404)
    guard case .answered(let response) = try judge("DELETE /page HTTP/1.1\r\nHost: x").0 else {
      Issue.record("a DELETE is refused")
      return
    }
    #expect(response.head.status == 405)
    #expect(response.head.fields.string(.allow) == "GET, HEAD, OPTIONS")
  }
}

@Suite struct RouterTests {
  @Test func `exact beats prefix, longer beats shorter, a named host beats none`() throws {
    let router = Router()
    func add(_ name: String, host: String? = nil, _ pattern: String) throws {
      let asset = Asset(path: name, contentType: "", bytes: [])
      router.add(
        host: host, try #require(.init(pattern)),
        Route(name: name, action: .asset(asset), methods: [], cors: .sameOriginOnly))
    }
    try add("all", "/**")
    try add("files", "/files/**")
    try add("exact", "/files/a")
    try add("hosted", host: "chat.example.com", "/files/**")
    func find(_ path: String, host: String = "x") throws -> String? {
      var parser = RequestHeadParser(limits: HeadLimits(headBytes: 8192, targetBytes: 4096))
      let text = Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)
      return router.route(for: try #require(try parser.parse(text.span)?.head))?.name
    }
    #expect(try find("/files/a") == "exact")
    #expect(try find("/files/b") == "files")
    #expect(try find("/other") == "all")
    #expect(try find("/files/a", host: "chat.example.com:8004") == "hosted")
    #expect(try find("/other", host: "chat.example.com") == "all")
  }
}
