import Testing

@testable import Settings

@Suite struct FeedSettingsTests {
  /// A route and the path that its feed's upstream is asked for.
  struct GoodPath: Sendable, CustomTestStringConvertible {
    let route: String
    let own: String?
    let expected: PathPattern

    var testDescription: String { "\(route) from \(own ?? "the same")" }
  }

  private static func feed(_ routes: String) throws -> FeedSettings {
    let settings = try Settings.parse(yaml: MinimalFile.yaml(routes: routes), file: "gate.yaml")
    guard case .feed(let feed) = settings.routes.first?.action else { throw NoFeed() }
    return feed
  }

  private struct NoFeed: Error {}

  @Test func `what a feed leaves out has its default`() throws {
    let feed = try Self.feed("routes: [{path: /a, feed: {upstream: chat}}]")
    #expect(
      feed
        == FeedSettings(
          upstream: "chat", path: .exact("/a"), headers: [], isPublic: false, answerAfter: .milliseconds(100),
          idleTimeout: .zero, backoff: BackoffSettings(min: .milliseconds(500), max: .seconds(30))))
  }

  @Test(arguments: [
    GoodPath(route: "/a", own: nil, expected: .exact("/a")),
    GoodPath(route: "/a", own: "/b", expected: .exact("/b")),
    GoodPath(route: "/a/**", own: nil, expected: .prefix("/a/")),
    GoodPath(route: "/a/**", own: "/b/c/**", expected: .prefix("/b/c/")),
    GoodPath(route: "/a/**", own: "/**", expected: .prefix("/")),
    GoodPath(route: "/**", own: "/b/**", expected: .prefix("/b/")),
    GoodPath(route: "/a/**", own: "/b", expected: .exact("/b")),
  ])
  func `a prefix is asked for as a prefix or as one path, one path as one`(path: GoodPath) throws {
    let own = path.own.map { ", path: \($0)" } ?? ""
    let feed = try Self.feed("routes: [{path: \"\(path.route)\", feed: {upstream: chat\(own)}}]")
    #expect(feed.path == path.expected)
  }

  @Test func `header names are kept in lower case, in their order`() throws {
    let feed = try Self.feed("routes: [{path: /a, feed: {upstream: chat, headers: [X-Tenant, accept-LANGUAGE]}}]")
    #expect(feed.headers == ["x-tenant", "accept-language"])
  }

  @Test func `credentials may reach the upstream of a feed that is not public`() throws {
    let feed = try Self.feed("routes: [{path: /a, forward_credentials: true, feed: {upstream: chat}}]")
    #expect(!feed.isPublic)
  }

  @Test(arguments: bad)
  func `a feed that nobody can be served from is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(routes: file.text))
  }

  @Test(arguments: ownHeaders)
  func `a header field that the gateway sets itself is none that a feed passes`(name: String) {
    for spelling in [name, name.lowercased(), name.uppercased()] {
      let routes = "routes: [{path: /a, feed: {upstream: chat, headers: [X-A, \(spelling)]}}]"
      BadFile(routes, #":6: routes[0].feed.headers[1]: given "\#(spelling)", allowed: \#(Self.foreign)"#)
        .expectProblems(in: MinimalFile.yaml(routes: routes))
    }
  }

  @Test(arguments: ["none", "'none'", ""])
  func `without a state directory there is none`(text: String) throws {
    let rest = text.isEmpty ? "" : "state_directory: \(text)"
    let settings = try Settings.parse(yaml: MinimalFile.yaml(rest: rest), file: "gate.yaml")
    #expect(settings.stateDirectory == .none)
    #expect(settings.stateDirectory.path == nil)
  }

  @Test(arguments: ["/", "/var/lib/sluice", "/srv/with space", "/none"])
  func `a state directory is an absolute path`(path: String) throws {
    let settings = try Settings.parse(yaml: MinimalFile.yaml(rest: "state_directory: \(path)"), file: "gate.yaml")
    #expect(settings.stateDirectory == .path(path))
    #expect(settings.stateDirectory.path == path && "\(settings.stateDirectory)" == path)
  }
}

extension FeedSettingsTests {
  static let ownHeaders = [
    "Accept", "Accept-Encoding", "Authorization", "Cache-Control", "Connection", "Content-Length", "Content-Type",
    "Cookie", "Expect", "Forwarded", "Host", "Keep-Alive", "Last-Event-ID", "Origin", "Proxy-Authorization",
    "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
  ]

  static let bad: [BadFile] = [
    BadFile("routes: [{path: /a, feed: }]", ":6: routes[0].feed: given nothing, allowed: a mapping"),
    BadFile("routes: [{path: /a, feed: chat}]", #":6: routes[0].feed: given "chat", allowed: a mapping"#),
    BadFile(
      "routes: [{path: /a, feed: {}}]",
      ":6: routes[0].feed.upstream: given nothing, allowed: one of chat (upstreams)"),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chta}}]",
      #":6: routes[0].feed.upstream: given "chta", allowed: one of chat (upstreams)"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat}, feed: {upstream: chat}}]",
      ":6: routes[0].feed: given run and feed, allowed: one of run, feed"),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, path: /b/**}}]",
      #":6: routes[0].feed.path: given "/b/**", allowed: one path, because the route's is only one"#),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, path: b}}]",
      #":6: routes[0].feed.path: given "b", allowed: \#(BadSectionTests.path)"#),
    BadFile(
      #"routes: [{path: /a, feed: {upstream: chat, path: "/b?c=d"}}]"#,
      #":6: routes[0].feed.path: given "/b?c=d", allowed: \#(BadSectionTests.path)"#),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, headers: [X-A, x-a]}}]",
      #":6: routes[0].feed.headers[1]: given "x-a" again, allowed: each item once"#),
    BadFile(
      #"routes: [{path: /a, feed: {upstream: chat, headers: ["X A", "", "*", {a: b}]}}]"#,
      #":6: routes[0].feed.headers[0]: given "X A", allowed: \#(header)"#,
      #":6: routes[0].feed.headers[1]: given "", allowed: \#(header)"#,
      #":6: routes[0].feed.headers[2]: given "*", allowed: \#(header)"#,
      ":6: routes[0].feed.headers[3]: given a mapping, allowed: \(header)"),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, headers: Accept-Language}}]",
      #":6: routes[0].feed.headers: given "Accept-Language", allowed: a list of 0 to 16 items, each \#(header)"#),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, public: yes}}]",
      #":6: routes[0].feed.public: given "yes", allowed: true or false"#),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, idle_timeout: 1441m}}]",
      #":6: routes[0].feed.idle_timeout: given "1441m", allowed: \#(BadSectionTests.time) from 0s to 1d"#),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, backoff: 1s}}]",
      #":6: routes[0].feed.backoff: given "1s", allowed: a mapping"#),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, backoff: {min: 2s, max: 1s}}}]",
      ":6: routes[0].feed.backoff.min: given 2s, allowed: at most max, which is 1s"),
    BadFile(
      "routes:\n  - path: /a\n    feed:\n      upstream: chat\n      backoff:\n        max: 400ms",
      ":11: routes[0].feed.backoff.min: given 500ms, allowed: at most max, which is 400ms"),
    BadFile(
      "routes: [{path: /a, on_abandoned: detach, feed: {upstream: chat}}]",
      ":6: routes[0].on_abandoned: given detach, allowed: cancel or linger, because a feed has no end of its own"),
    BadFile(
      "routes: [{path: /a, forward_credentials: true, feed: {upstream: chat, public: true}}]",
      ":6: routes[0].forward_credentials: given some of them, "
        + "allowed: none, because feed.public shares one answer among all clients"),
    BadFile(
      "routes: [{path: /a, forward_credentials: {cookies: [sid]}, feed: {upstream: chat, public: true}}]",
      ":6: routes[0].forward_credentials: given some of them, "
        + "allowed: none, because feed.public shares one answer among all clients"),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, method: POST}}]",
      #":6: routes[0].feed.method: given an unknown key, allowed: \#(keys); did you mean routes[].run.method?"#),
    BadFile(
      "routes: [{path: /a, feed: {upstream: chat, header: [X-A]}}]",
      #":6: routes[0].feed.header: given an unknown key, allowed: \#(keys); did you mean headers?"#),
  ]

  static let keys = "one of backoff, headers, idle_timeout, path, public, upstream"
  static let header = "the name of a header field of at most 128 bytes, such as Accept-Language"
  static let foreign = "a header field that the gateway does not set itself; credentials have forward_credentials"
}
