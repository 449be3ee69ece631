import Admission
import Testing

@testable import Settings

@Suite struct LimitSettingsTests {
  // What can be written

  @Test func `the limits of a file are read in its order`() {
    let (limits, problems) = Self.read(
      """
      limits:
        - {name: six-per-tab-owner, per: [client, domain], streams: 6, when_full: evict-oldest}
        - {name: domain, per: [domain], streams: 10000, when_full: refuse}
        - {name: chat-capacity, per: [upstream], streams: 256, when_full: wait 5s}
        - {name: starts, per: [principal], rate: 10/s, burst: 20}
        - {name: all, connections: 20000}
        - {name: slow, rate: 90/m, when_full: wait 1500ms, waiting: 7}
      """)
    #expect(problems == [])
    #expect(
      limits == [
        Limit(name: "six-per-tab-owner", per: [.client, .domain], counts: .streams(6), whenFull: .evictOldest),
        Limit(name: "domain", per: [.domain], counts: .streams(10_000), whenFull: .refuse),
        Limit(
          name: "chat-capacity", per: [.upstream], counts: .streams(256), whenFull: .wait(.seconds(5)), waiting: 256),
        Limit(
          name: "starts", per: [.principal], counts: .rate(Rate(count: 10, unit: .second), burst: 20),
          whenFull: .refuse),
        Limit(name: "all", per: [], counts: .connections(20_000), whenFull: .refuse),
        Limit(
          name: "slow", per: [], counts: .rate(Rate(count: 90, unit: .minute), burst: 2),
          whenFull: .wait(.milliseconds(1500)), waiting: 7),
      ])
  }

  @Test func `every dimension can be named`() {
    let words = Dimension.allCases.map(\.rawValue).joined(separator: ", ")
    #expect(words == "domain, client, origin, principal, route, upstream, endpoint")
    #expect(Self.limit("per: [\(words)], streams: 1").limits.first?.per == Dimension.allCases)
  }

  @Test(arguments: ["limits: []", "routes: 1"])
  func `a file may have none`(yaml: String) {
    let (limits, problems) = Self.read(yaml)
    #expect(limits == [])
    #expect(problems.count == (yaml.hasPrefix("routes") ? 1 : 0))
  }

  @Test func `a wrong key at the top is compared with limits`() {
    #expect(
      Self.read("limit: []").problems == [
        ":1: limit: given an unknown key, allowed: one of limits; did you mean limits?"
      ])
  }

  // What cannot

  static let counted = "allowed: exactly one of streams, connections and rate"
  static let onlyRefused = "allowed: refuse; what comes before a request can neither wait nor be told to end"
  static let number = "allowed: a whole number from 1 to 1000000"

  @Test(
    arguments: [
      BadFile("per: [client]", "streams: given nothing, \(counted)"),
      BadFile("streams: 1, connections: 2", "connections: given streams and connections, \(counted)"),
      BadFile("rate: 1/s, streams: 1", "rate: given streams and rate, \(counted)"),
      BadFile("streams: 0", "streams: given \"0\", \(number)"),
      BadFile("streams: 1000001", "streams: given \"1000001\", \(number)"),
      BadFile("streams: -1", "streams: given \"-1\", \(number)"),
      BadFile("streams: many", "streams: given \"many\", \(number)"),
      BadFile("connections: 1.5", "connections: given \"1.5\", \(number)"),
      BadFile(
        "rate: 10",
        "rate: given \"10\", allowed: a whole number from 1 to 1000000 and its unit (/s, /m, /h), such as 10/s"),
      BadFile(
        "rate: 0/s",
        "rate: given \"0/s\", allowed: a whole number from 1 to 1000000 and its unit (/s, /m, /h), such as 10/s"),
      BadFile("rate: 1/s, burst: 0", "burst: given \"0\", \(number)"),
      BadFile("streams: 1, burst: 2", "burst: given burst with streams, allowed: burst only with rate"),
      BadFile(
        "connections: 1, per: [client, route]",
        "per: given route with connections, allowed: client and domain; nothing else is known of a connection"),
      BadFile(
        "streams: 1, per: [tab]",
        "per[0]: given \"tab\", allowed: one of domain, client, origin, principal, route, upstream, endpoint"),
      BadFile("streams: 1, per: [client, client]", "per[1]: given \"client\" again, allowed: each item once"),
      BadFile(
        "rate: 1/s, when_full: evict-oldest",
        "when_full: given evict-oldest with rate, allowed: refuse or wait; only streams can be evicted"),
      BadFile(
        "connections: 1, when_full: evict-oldest",
        "when_full: given evict-oldest with connections, \(onlyRefused)"),
      BadFile("connections: 1, when_full: wait 5s", "when_full: given wait 5s with connections, \(onlyRefused)"),
      BadFile(
        "streams: 1, waiting: 2",
        "waiting: given waiting with refuse, allowed: waiting only where when_full is wait"),
      BadFile(
        "streams: 1, waiting: 2, when_full: evict-oldest",
        "waiting: given waiting with evict-oldest, allowed: waiting only where when_full is wait"),
      BadFile("streams: 1, waiting: 0, when_full: wait 1s", "waiting: given \"0\", \(number)"),
    ])
  func `what contradicts itself is refused`(file: BadFile) {
    let (limits, problems) = Self.limit(file.text)
    #expect(problems == file.problems.map { ":2: limits[0].\($0)" })
    #expect(limits == [])
  }

  @Test(arguments: ["refused", "wait", "wait ", "wait 5", "wait 99ms", "wait 601s", "wait  5s", "evict", "refuse 5s"])
  func `what is no way to be full is refused`(text: String) {
    #expect(
      Self.limit("streams: 1, when_full: \"\(text)\"").problems == [
        ":2: limits[0].when_full: given \"\(text)\", allowed: refuse, evict-oldest, or wait and a time in whole "
          + "milliseconds with its unit (ms, s, m, h, d) from 100ms to 10m, such as wait 5s"
      ])
  }

  @Test(arguments: ["100ms", "10m", "5s"])
  func `a wait has bounds`(text: String) {
    let (limits, problems) = Self.limit("streams: 1, when_full: wait \(text)")
    #expect(problems == [])
    #expect(limits.count == 1)
  }

  @Test(arguments: ["", "a b", "a.b", "é"])
  func `a name is letters, digits, hyphens and underscores`(name: String) {
    #expect(
      Self.read("limits:\n  - {name: \"\(name)\", streams: 1}").problems == [
        ":2: limits[0].name: given \"\(name)\", allowed: a name of 1 to 64 letters, digits, _ and -"
      ])
  }

  @Test func `each name stands once`() {
    #expect(
      Self.read("limits:\n  - {name: a, streams: 1}\n  - {name: a, rate: 1/s}").problems == [
        ":3: limits[1].name: given a again, allowed: once; line 2 has it already"
      ])
  }

  @Test func `a name is needed, and no key is unknown`() {
    #expect(
      Self.read("limits:\n  - {streams: 1, evict: true}").problems == [
        ":2: limits[0].name: given nothing, allowed: a name of 1 to 64 letters, digits, _ and -",
        ":2: limits[0].evict: given an unknown key, allowed: one of burst, connections, name, per, rate, streams, "
          + "waiting, when_full",
      ])
  }

  @Test(arguments: [64, 65])
  func `there are 64 limits at most`(count: Int) {
    let items = (1...count).map { "  - {name: n\($0), streams: 1}" }
    let problems = Self.read("limits:\n" + items.joined(separator: "\n")).problems
    let refusal = ":2: limits: given a list of 65, allowed: a list of 0 to 64 mappings"
    #expect(problems == (count == 64 ? [] : [refusal]))
  }

  // What is likely to go wrong

  @Test(
    arguments: [
      (["domain"], true), ([], true), (["upstream"], true), (["client", "domain"], false), (["principal"], false),
    ] as [([String], Bool)])
  func `strangers that end each other's streams`(per: [String], isWarned: Bool) {
    let dimensions = per.compactMap { Dimension(rawValue: $0) } + []
    let limits = [
      Limit(name: "a", per: dimensions, counts: .streams(6), whenFull: .evictOldest),
      Limit(name: "b", per: [.client], counts: .connections(9), whenFull: .refuse),
    ]
    #expect(
      Self.warnings(of: limits)
        == (isWarned
          ? [
            "limits[0].when_full: the oldest stream that ends for a new one can be anybody's, so strangers end each "
              + "other's; tell them apart by client or principal, or refuse"
          ] : []))
  }

  @Test func `principals that nothing tells apart`() {
    let limits = [
      Limit(name: "a", per: [.client], counts: .streams(6), whenFull: .refuse),
      Limit(name: "b", per: [.principal], counts: .streams(6), whenFull: .refuse),
    ]
    #expect(Self.warnings(of: limits) == [])
    #expect(
      Self.warnings(of: limits, identity: IdentitySettings(headers: [], cookies: [])) == [
        "limits[1].per: without identity.headers and identity.cookies all clients are one principal; name what they send"
      ])
    #expect(Self.warnings(of: limits, identity: IdentitySettings(headers: [], cookies: ["session"])) == [])
  }

  @Test func `principals that a client invents`() {
    let limit = Limit(name: "b", per: [.principal], counts: .streams(6), whenFull: .refuse)
    let identity = IdentitySettings(headers: ["authorization"], cookies: ["session"])
    #expect(
      Self.warnings(of: [limit], identity: identity) == [
        "limits[0].per: a client that sends another authorization or session is another principal, and no limit is per "
          + "client; add one"
      ])
  }

  @Test(
    arguments: [
      ([("client", 6), ("client domain", 6)], [1]), ([("client", 6), ("client domain", 5)], []),
      ([("client domain", 7), ("client", 6)], [0]), ([("", 100), ("client", 100)], [1]),
      ([("client", 6), ("domain", 9)], []), ([("client", 6), ("client", 6)], [1]),
      ([("client", 7), ("client", 6)], [0]), ([("client", 6), ("client upstream", 9)], []),
    ] as [([(String, Int)], [Int])])
  func `limits behind others that are always full first`(pairs: [(String, Int)], hidden: [Int]) {
    let limits = pairs.enumerated().map { index, pair in
      let per = pair.0.split(separator: " ").compactMap { Dimension(rawValue: String($0)) }
      return Limit(name: "n\(index)", per: per, counts: .streams(pair.1), whenFull: .refuse)
    }
    #expect(
      Self.warnings(of: limits)
        == hidden.map {
          "limits[\($0)].streams: n\(1 - $0) is full before this one can be; raise that or remove this one"
        })
  }

  @Test(
    arguments: [
      (("10/s", 20), ("600/m", 20), [1]), (("10/s", 20), ("600/m", 19), [0]), (("10/s", 20), ("601/m", 19), []),
      (("10/s", 20), ("11/s", 20), [1]),
    ] as [((String, Int), (String, Int), [Int])])
  func `rates behind others`(one: (String, Int), other: (String, Int), hidden: [Int]) throws {
    let limits = try [one, other].enumerated().map { index, pair in
      Limit(
        name: "n\(index)", per: [], counts: .rate(try #require(Rate(pair.0)), burst: pair.1), whenFull: .refuse)
    }
    #expect(Self.warnings(of: limits).map { $0.prefix { $0 != "." } } == hidden.map { "limits[\($0)]" })
  }
}

extension LimitSettingsTests {
  static func limit(_ keys: String) -> (limits: [Limit], problems: [String]) {
    read("limits:\n  - {name: a, \(keys)}")
  }

  /// The limits of a file that has nothing else, and what is said about it.
  static func read(_ yaml: String) -> (limits: [Limit], problems: [String]) {
    let report = SettingsReport(file: "")
    let limits = SettingsNode(yaml: yaml, report: report).map { root in
      SettingsReader(root: root, report: report).read { Limit.list($0) }
    }
    return (limits ?? [], report.error().problems.map(\.description))
  }

  static func warnings(of limits: [Limit], identity: IdentitySettings = .default) -> [String] {
    Limit.warnings(of: limits, identity: identity).map(\.description)
  }
}
