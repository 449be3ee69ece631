import Testing

@testable import Admission

@Suite struct CORSPolicyTests {
  // Construction

  @Test func `all origins with credentials are an error`() throws {
    for origins in [["*"], ["https://app.example.com", "*"]] {
      #expect(throws: AdmissionError.anyOriginWithCredentials) { try Self.policy(origins, credentials: true) }
    }
    #expect(throws: Never.self) { try Self.policy(["*"], credentials: false) }
  }

  @Test(arguments: ["", "*", "X Y", "X:Y", "X,Y", "Ü", "X\r\nY"])
  func `what cannot name a header field is an error`(name: String) {
    #expect(throws: AdmissionError.headerName(given: name)) { try Self.policy([], allowedHeaders: ["X-A", name]) }
    #expect(throws: AdmissionError.headerName(given: name)) { try Self.policy([], exposedHeaders: [name]) }
  }

  @Test func `a negative age is an error`() {
    #expect(throws: AdmissionError.negativeMaxAge(given: .seconds(-1))) {
      try Self.policy([], maxAge: .seconds(-1))
    }
  }

  // Where a request comes from

  @Test(
    arguments: [
      // No page, or the gateway's own.
      (nil, "gate.example", nil, true),
      (nil, "gate.example", "none", true),
      (nil, "gate.example", "same-origin", true),
      ("http://gate.example", "gate.example", nil, true),
      ("https://gate.example", "gate.example", nil, true),
      ("https://gate.example", "GATE.example:443", nil, true),
      ("http://gate.example:80", "gate.example", nil, true),
      ("http://gate.example:8004", "gate.example:8004", nil, true),
      ("http://[::1]:8004", "[0::1]:8004", nil, true),
      ("http://gate.example", "gate.example", "none", true),
      ("https://gate.example", "gate.example:443", "same-origin", true),
      // A proxy changed Host; the browser knows better.
      ("https://gate.example", "10.0.0.7:8004", "same-origin", true),
      ("null", "gate.example", "same-origin", true),
      // Another origin.
      ("http://gate.example", "gate.example:443", nil, false),
      ("https://gate.example", "gate.example:80", nil, false),
      ("http://gate.example:8004", "gate.example", nil, false),
      ("http://gate.example", "gate.example:8004", nil, false),
      ("http://gate.example.", "gate.example", nil, false),
      ("https://gate.example.evil.org", "gate.example", nil, false),
      ("https://evil.org", "gate.example", nil, false),
      ("null", "gate.example", nil, false),
      ("null", "null", nil, false),
      ("", "", nil, false),
      ("https://gate.example", "gate.example, evil.org", nil, false),
      // The plain http page of the same name calls the https gateway, whose port nobody sees.
      ("http://gate.example", "gate.example", "cross-site", false),
      ("http://gate.example", "gate.example", "same-site", false),
      ("https://evil.org", "gate.example", "cross-site", false),
      ("https://evil.org", "gate.example", "none", false),
      ("https://evil.org", "gate.example", "same-originx", false),
    ] as [(String?, String, String?, Bool)])
  func `same origin is same host and port, or what the browser says`(
    origin: String?, authority: String, fetchSite: String?, isSame: Bool
  ) {
    let verdict = CORSPolicy.sameOriginOnly.decide(
      Self.request(origin: origin, authority: authority, fetchSite: fetchSite), methods: ["GET", "POST"])
    #expect(verdict == (isSame ? .sameOrigin : .refused(.originNotListed(origin ?? ""))))
  }

  @Test(arguments: ["cross-site", "same-site"])
  func `another site's request without origin is refused whatever is listed`(fetchSite: String) throws {
    for origins in [[], ["*"], ["null"], ["https://app.example.com"]] {
      let verdict = try Self.policy(origins).decide(
        Self.request(origin: nil, fetchSite: fetchSite), methods: ["GET", "POST"])
      #expect(verdict == .refused(.crossSiteWithoutOrigin))
    }
  }

  @Test func `without a policy no other origin may ask`() {
    let verdict = CORSPolicy.sameOriginOnly.decide(
      Self.request(origin: "https://app.example.com"), methods: ["GET", "POST"])
    #expect(verdict == .refused(.originNotListed("https://app.example.com")))
  }

  @Test func `null is refused unless it is listed`() throws {
    let request = Self.request(origin: "null")
    #expect(try Self.policy(["*"]).decide(request, methods: ["GET"]) == .refused(.originNotListed("null")))
    #expect(
      try Self.fields(of: Self.policy(["null"]).decide(request, methods: ["GET"])) == [
        "Access-Control-Allow-Origin: null", "Access-Control-Expose-Headers: Sluice-Run",
      ])
  }

  // What an allowed request gets

  @Test func `a listed origin is echoed as it came`() throws {
    let policy = try Self.policy(["https://app.example.com", "https://*.example.org"])
    for origin in ["https://app.example.com", "https://App.example.com:443", "https://a.example.org"] {
      let fields = Self.fields(of: policy.decide(Self.request(origin: origin), methods: ["POST"]))
      #expect(fields == ["Access-Control-Allow-Origin: \(origin)", "Access-Control-Expose-Headers: Sluice-Run"])
    }
  }

  @Test func `credentials are granted where the policy says so`() throws {
    let policy = try Self.policy(["https://app.example.com"], credentials: true, exposedHeaders: ["X-Cost", "X-Id"])
    #expect(
      Self.fields(of: policy.decide(Self.request(origin: "https://app.example.com"), methods: ["POST"])) == [
        "Access-Control-Allow-Origin: https://app.example.com",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Expose-Headers: Sluice-Run, X-Cost, X-Id",
      ])
  }

  @Test func `where all origins are listed the answer names none`() throws {
    let policy = try Self.policy(["https://app.example.com", "*"])
    for origin in ["https://app.example.com", "https://other.example"] {
      let fields = Self.fields(of: policy.decide(Self.request(origin: origin), methods: ["POST"]))
      #expect(fields == ["Access-Control-Allow-Origin: *", "Access-Control-Expose-Headers: Sluice-Run"])
    }
  }

  @Test(arguments: [
    // Origins of extensions and applications are theirs alone.
    (
      "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://abcdefghijklmnopabcdefghijklmnop", true
    ),
    (
      "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://bbcdefghijklmnopabcdefghijklmnop",
      false
    ),
    ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", "https://abcdefghijklmnopabcdefghijklmnop", false),
    (
      "moz-extension://0e4f9c0a-1b2c-4d3e-8f9a-0123456789ab", "moz-extension://0e4f9c0a-1b2c-4d3e-8f9a-0123456789ab",
      true
    ),
    (
      "safari-web-extension://0E4F9C0A-1B2C-4D3E-8F9A-0123456789AB",
      "safari-web-extension://0e4f9c0a-1b2c-4d3e-8f9a-0123456789ab", true
    ),
    // Files have no origin that could be listed, and those of browsers say null.
    ("*", "file://", false), ("*", "file:///", false), ("*", "file:///home/me/page.html", false),
    ("null", "file://", false),
    ("*", "data:text/html,x", false), ("*", "blob:https://app.example.com/1", false), ("*", "about:blank", false),
    // One origin, spelled in many ways.
    ("https://app.example.com", "https://app.example.com:443", true),
    ("https://app.example.com:443", "HTTPS://APP.EXAMPLE.COM", true),
    ("http://app.example.com:80", "http://app.example.com", true),
    ("https://[2001:db8::1]", "https://[2001:DB8:0::1]:443", true),
    ("https://[::1]:8443", "https://[::1]:8443", true),
    ("https://127.0.0.1", "https://127.0.0.1", true),
    // Others that look like it.
    ("https://app.example.com", "https://app.example.com:0443", false),
    ("https://app.example.com", "https://app.example.com:", false),
    ("https://app.example.com", "https://app.example.com:+443", false),
    ("https://app.example.com", "https://app.example.com:65979", false),
    ("https://app.example.com", "https://app.example.com.", false),
    ("https://xn--bcher-kva.example", "https://b\u{FC}cher.example", false),
    ("https://app.example.com", "https://app.example\u{3002}com", false),
    ("https://app.example.com", "https://app%2eexample.com", false),
    ("https://app.example.com", "https:/app.example.com", false),
    ("https://app.example.com", "https:\\\\app.example.com", false),
    ("https://app.example.com", "https://:443@app.example.com", false),
    ("https://app.example.com", "https://app.example.com#", false),
    ("https://app.example.com", "\u{FEFF}https://app.example.com", false),
    ("https://[::1]", "https://[::1%25lo]", false),
    ("https://[::ffff:7f00:1]", "https://127.0.0.1", false),
    ("https://127.0.0.1", "https://0x7f.0.0.1", false),
    ("*", "https://", false), ("*", "://app.example.com", false), ("*", "https://a b", false),
    // Several fields, and lists.
    ("https://app.example.com", "https://app.example.com, https://app.example.com", false),
    ("*", "https://app.example.com, null", false), ("null", "null, null", false), ("null", "null null", false),
  ])
  func `an origin is listed, or refused as it came`(pattern: String, origin: String, isListed: Bool) throws {
    let policy = try Self.policy([pattern])
    for fetchSite in [nil, "cross-site"] {
      let verdict = policy.decide(Self.request(origin: origin, fetchSite: fetchSite), methods: ["POST"])
      if isListed {
        #expect(Self.fields(of: verdict).first == "Access-Control-Allow-Origin: \(origin)")
      } else {
        #expect(verdict == .refused(.originNotListed(origin)))
      }
    }
  }

  @Test func `an origin is at most as long as a pattern may be`() throws {
    let policy = try Self.policy(["*"])
    let fitting = String(repeating: "a", count: CORSPolicy.longestOrigin - 12) + "://b.example"
    guard case .allowed = policy.decide(Self.request(origin: fitting), methods: ["POST"]) else {
      Issue.record("\(fitting.utf8.count) bytes were refused")
      return
    }
    for origin in [
      "a" + fitting, "https://" + String(repeating: "a.", count: 8000), String(repeating: "a", count: 16384),
    ] {
      let verdict = policy.decide(Self.request(origin: origin), methods: ["POST"])
      #expect(verdict == .refused(.originNotListed(origin)))
    }
  }

  @Test func `options without a requested method is no preflight`() throws {
    let verdict = try Self.policy(["*"]).decide(
      Self.request(origin: "https://a.example", method: "OPTIONS"), methods: ["POST"])
    guard case .allowed = verdict else {
      Issue.record("decided \(verdict)")
      return
    }
  }

  @Test func `a requested method on another method makes no preflight`() throws {
    let verdict = try Self.policy(["*"]).decide(
      Self.request(origin: "https://a.example", method: "POST", requestedMethod: "DELETE"), methods: ["POST"])
    guard case .allowed = verdict else {
      Issue.record("decided \(verdict)")
      return
    }
  }

  // Preflights

  static let allowedHeaders =
    "Access-Control-Allow-Headers: Last-Event-ID, Idempotency-Key, Authorization, Content-Type, Cache-Control, traceparent"

  @Test func `a preflight is told methods, fields and how long that holds`() throws {
    let policy = try Self.policy(
      ["https://app.example.com"], credentials: true, allowedHeaders: ["X-Tenant"], exposedHeaders: ["X-Cost"],
      maxAge: .milliseconds(90_500))
    let request = Self.preflight(
      origin: "https://app.example.com", method: "POST", headers: "content-type,last-event-id, x-tenant")
    #expect(
      Self.fields(of: policy.decide(request, methods: ["GET", "POST"])) == [
        "Access-Control-Allow-Origin: https://app.example.com",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Allow-Methods: GET, POST",
        "\(Self.allowedHeaders), X-Tenant",
        "Access-Control-Max-Age: 90",
      ])
  }

  @Test(arguments: [
    nil, "", "content-type", "Content-Type", " last-event-id ,\tidempotency-key", "authorization,cache-control",
    "traceparent,,", "x-tenant",
  ])
  func `every listed field may be asked for`(headers: String?) throws {
    let policy = try Self.policy(["*"], allowedHeaders: ["X-Tenant"])
    let verdict = policy.decide(
      Self.preflight(origin: "https://a.example", method: "GET", headers: headers), methods: ["GET"])
    #expect(
      Self.fields(of: verdict) == [
        "Access-Control-Allow-Origin: *", "Access-Control-Allow-Methods: GET", "\(Self.allowedHeaders), X-Tenant",
        "Access-Control-Max-Age: 7200",
      ])
  }

  @Test(arguments: [
    ("x-other", "x-other"), ("content-type,X-Other,x-more", "X-Other"), ("content-type x", "content-type x"),
    ("*", "*"), ("content-typ", "content-typ"), ("\u{130}dempotency-key", "\u{130}dempotency-key"),
  ])
  func `a field that is not listed is refused by its name`(headers: String, name: String) throws {
    let verdict = try Self.policy(["*"]).decide(
      Self.preflight(origin: "https://a.example", method: "GET", headers: headers), methods: ["GET"])
    #expect(verdict == .refused(.headerNotAllowed(name)))
  }

  @Test(arguments: ["DELETE", "post", "PATCH", ""])
  func `a method that the route does not have is refused by its name`(method: String) throws {
    let verdict = try Self.policy(["*"]).decide(
      Self.preflight(origin: "https://a.example", method: method, headers: nil), methods: ["GET", "POST"])
    #expect(verdict == .refused(.methodNotAllowed(method)))
  }

  @Test func `a preflight from an origin that is not listed is refused for that`() throws {
    let verdict = try Self.policy(["https://app.example.com"]).decide(
      Self.preflight(origin: "https://evil.org", method: "DELETE", headers: "x-other"), methods: ["GET"])
    #expect(verdict == .refused(.originNotListed("https://evil.org")))
  }

  @Test(arguments: [
    (["https://app.example.com"], true, true), (["https://*.example.com"], true, true),
    (["https://app.example.com"], false, false), (["*"], true, false), (["*", "https://app.example.com"], true, true),
  ])
  func `only a listed origin may reach into a private network, and only where the policy says so`(
    origins: [String], isAsked: Bool, isGranted: Bool
  ) throws {
    let request = Self.preflight(
      origin: "https://app.example.com", method: "GET", headers: nil, privateNetwork: isAsked)
    for isAllowed in [true, false] {
      let policy = try Self.policy(origins, privateNetwork: isAllowed)
      let fields = Self.fields(of: policy.decide(request, methods: ["GET"]))
      #expect(fields.contains("Access-Control-Allow-Private-Network: true") == (isGranted && isAllowed))
    }
  }

  @Test func `an origin that is not listed reaches nothing, private or not`() throws {
    let request = Self.preflight(origin: "null", method: "GET", headers: nil, privateNetwork: true)
    let refused = CORSVerdict.refused(.originNotListed("null"))
    #expect(try Self.policy(["*"], privateNetwork: true).decide(request, methods: ["GET"]) == refused)
    let fields = try Self.fields(of: Self.policy(["null"], privateNetwork: true).decide(request, methods: ["GET"]))
    #expect(fields.contains("Access-Control-Allow-Private-Network: true"))
  }

  @Test func `a private network is closed where nothing is said`() throws {
    let policy = try CORSPolicy(
      origins: [OriginPattern("null")], credentials: false, allowedHeaders: [], exposedHeaders: [], maxAge: .zero)
    #expect(!policy.privateNetwork && !CORSPolicy.sameOriginOnly.privateNetwork)
  }

  @Test func `a preflight that may not be kept says so`() throws {
    let request = Self.preflight(origin: "https://a.example", method: "GET", headers: nil)
    let fields = try Self.fields(of: Self.policy(["*"], maxAge: .zero).decide(request, methods: ["GET"]))
    #expect(fields.contains("Access-Control-Max-Age: 0"))
  }

  // Words

  @Test(arguments: [
    (CORSRefusal.originNotListed("x"), "origin_not_listed", "origin \"x\" is not one of this route's cors.origins"),
    (.methodNotAllowed("x"), "method_not_allowed", "method \"x\" is not one of this route's methods"),
    (
      .headerNotAllowed("x"), "header_not_allowed",
      "header field \"x\" is not one of this route's cors.allowed_headers"
    ),
    (
      .crossSiteWithoutOrigin, "cross_site_without_origin",
      "the request comes from another site's page, which did not name its origin"
    ),
  ])
  func `a refusal has one word and one sentence`(refusal: CORSRefusal, word: String, sentence: String) {
    #expect("\(refusal.word)" == word)
    #expect(refusal.description == sentence)
  }

  @Test func `a refusal shows the beginning of what is long`() {
    let long = String(repeating: "x", count: 16384)
    let shown = "\"" + String(repeating: "x", count: 100) + "…\""
    #expect("\(CORSRefusal.originNotListed(long))" == "origin \(shown) is not one of this route's cors.origins")
    #expect("\(CORSRefusal.methodNotAllowed(long))" == "method \(shown) is not one of this route's methods")
    #expect(
      "\(CORSRefusal.headerNotAllowed(long))" == "header field \(shown) is not one of this route's cors.allowed_headers"
    )
    let heap = "e" + String(repeating: "\u{301}", count: 5000)
    #expect("\(CORSRefusal.originNotListed(heap))".utf8.count < 300)
    let fitting = String(repeating: "x", count: 100)
    #expect("\(CORSRefusal.methodNotAllowed(fitting))" == "method \"\(fitting)\" is not one of this route's methods")
  }

  @Test func `every answer varies on the origin`() {
    #expect("\(CORSPolicy.vary)" == "Origin")
    #expect(
      "\(CORSPolicy.preflightVary)" == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
  }
}

// What the tests are made of

extension CORSPolicyTests {
  static func policy(
    _ origins: [String], credentials: Bool = false, allowedHeaders: [String] = [], exposedHeaders: [String] = [],
    maxAge: Duration = .seconds(7200), privateNetwork: Bool = false
  ) throws -> CORSPolicy {
    try CORSPolicy(
      origins: origins.map { try OriginPattern($0) }, credentials: credentials, allowedHeaders: allowedHeaders,
      exposedHeaders: exposedHeaders, maxAge: maxAge, privateNetwork: privateNetwork)
  }

  static func request(
    origin: String?, authority: String = "gate.example", fetchSite: String? = nil, method: String = "POST",
    requestedMethod: String? = nil
  ) -> CORSRequest {
    CORSRequest(
      origin: origin, authority: authority, fetchSite: fetchSite, method: method, requestedMethod: requestedMethod,
      requestedHeaders: nil, requestsPrivateNetwork: false)
  }

  static func preflight(
    origin: String, method: String, headers: String?, privateNetwork: Bool = false
  ) -> CORSRequest {
    CORSRequest(
      origin: origin, authority: "gate.example", fetchSite: "cross-site", method: "OPTIONS", requestedMethod: method,
      requestedHeaders: headers, requestsPrivateNetwork: privateNetwork)
  }

  static func fields(of verdict: CORSVerdict) -> [String] {
    switch verdict {
    case .allowed(let grant), .preflight(let grant): grant.fields.map { "\($0.name): \($0.value)" }
    case .sameOrigin, .refused: []
    }
  }
}
