import Testing

@testable import Settings

@Suite struct CORSWarningTests {
  static let unencrypted =
    "is not encrypted: whoever is on the way can put a script into its pages that acts with the user's cookies; list "
    + "it with https"
  static let forgotten =
    "every host below example.com, also one that somebody forgot or took over, may act with the user's cookies; list "
    + "the hosts that need it"
  static let null = "every website can make a frame whose origin is null, so listing it lists all"

  @Test(
    arguments: [
      ("https://a.example", true, nil), ("https://a.example", false, nil), ("http://a.example", false, nil),
      ("http://a.example", true, "http://a.example \(unencrypted)"),
      ("http://10.0.0.1:3000", true, "http://10.0.0.1:3000 \(unencrypted)"),
      ("http://[fd00::1]", true, "http://[fd00::1] \(unencrypted)"),
      ("http://localhost:3000", true, nil), ("http://app.localhost", true, nil), ("http://127.0.0.1", true, nil),
      ("http://[::1]", true, nil), ("app://local", true, nil),
      ("null", false, null), ("null", true, "\(null), with the user's cookies"),
      ("*", false, nil),
      ("https://*.example.com", false, nil), ("https://*.example.com", true, forgotten),
      ("http://*.example.com", true, "http://*.example.com \(unencrypted)"),
      ("https://*.com", false, "https://*.com lists every site registered below com; list the hosts of your own"),
      ("http://*.localhost:3000", false, nil), ("https://*.internal", false, nil),
    ] as [(String, Bool, String?)])
  func `an origin is warned about for what it opens`(origin: String, credentials: Bool, text: String?) throws {
    let warnings = try WarningTests.warnings(rest: "cors: {origins: [\"\(origin)\"], credentials: \(credentials)}")
    #expect(warnings == (text.map { ["cors.origins: \($0)"] } ?? []))
  }

  @Test(arguments: ["credentials: true", "allowed_headers: [X-A]", "exposed_headers: [X-A]", "max_age: 1h"])
  func `a policy without origins changes nothing`(key: String) throws {
    #expect(
      try WarningTests.warnings(rest: "cors: {\(key)}") == [
        "cors.origins: no origin is listed, so the other settings of cors change nothing"
      ])
  }

  @Test func `an empty policy is meant`() throws {
    #expect(try WarningTests.warnings(rest: "cors: {origins: []}") == [])
  }

  @Test func `a policy that routes share is warned about once`() throws {
    let routes = """
      routes:
        - {path: /a, host: a, run: {upstream: chat}}
        - {path: /b, host: a, run: {upstream: chat}}
        - {path: /c, host: a, run: {upstream: chat}, cors: {origins: [https://a.example, "null"]}}
      """
    #expect(
      try WarningTests.warnings(routes: routes, rest: "cors: {origins: [\"null\"]}") == [
        "cors.origins: \(Self.null)", "routes[2].cors.origins: \(Self.null)",
      ])
  }

  @Test func `the global policy is warned about even where every route has its own`() throws {
    let routes = "routes: [{path: /a, host: a, run: {upstream: chat}, cors: {origins: [\"null\"]}}]"
    #expect(
      try WarningTests.warnings(routes: routes, rest: "cors: {origins: [\"https://*.com\"]}") == [
        "cors.origins: https://*.com lists every site registered below com; list the hosts of your own",
        "routes[0].cors.origins: \(Self.null)",
      ])
  }
}
