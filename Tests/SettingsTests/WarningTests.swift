import Testing

@testable import Settings

@Suite struct WarningTests {
  // Nothing to say

  @Test func `settings at their defaults give no warning`() throws {
    #expect(try Self.warnings(in: MinimalFile.yaml(listen: "listen: [{address: \"0.0.0.0:8004\"}]")) == [])
  }

  // Who can come in

  @Test(arguments: [
    ("203.0.113.7:80", true), ("8.8.8.8:80", true), ("172.32.0.1:80", true), ("100.128.0.1:80", true),
    ("[2001:db8::1]:80", true), ("[fec0::1]:80", true), ("0.0.0.0:80", false), ("[::]:80", false),
    ("unix:/run/sluice", false),
    ("127.0.0.2:80", false), ("10.1.2.3:80", false), ("172.31.0.1:80", false), ("192.168.1.1:80", false),
    ("100.64.0.1:80", false), ("169.254.1.1:80", false), ("[::1]:80", false), ("[fd00::1]:80", false),
    ("[fe80::1]:80", false),
  ])
  func `a public address is neither encrypted nor guarded`(address: String, isWarned: Bool) throws {
    let warnings = try Self.warnings(
      in: MinimalFile.yaml(listen: "listen: [{address: \"\(address)\"}]", routes: Self.hosted))
    #expect(
      warnings
        == (isWarned
          ? [
            "listen[0].address: \(address) is a public address, and what comes in there is neither encrypted nor asked "
              + "who it is; give it tls, or listen on a private address behind a proxy that does both"
          ] : []))
  }

  @Test(arguments: [
    ("127.0.0.1:80", true), ("192.168.1.1:80", true), ("[::1]:80", true), ("[fd00::1]:80", true), ("0.0.0.0:80", false),
    ("unix:/run/sluice", false), ("10.255.255.255:80", true),
  ])
  func `a route for every host can be reached by rebinding a name`(address: String, isWarned: Bool) throws {
    let listen = "listen: [{address: \"\(address)\"}]"
    let routes = "routes: [{path: /a, host: a, run: {upstream: chat}}, {path: /b, run: {upstream: chat}}]"
    #expect(
      try Self.warnings(in: MinimalFile.yaml(listen: listen, routes: routes))
        == (isWarned
          ? [
            "routes[1].host: no host is named, so a website whose own name points to \(address) counts as the same "
              + "origin there (DNS rebinding); name the hosts that clients use"
          ] : []))
    #expect(try Self.warnings(in: MinimalFile.yaml(listen: listen, routes: Self.hosted)) == [])
  }

  // Upstreams

  @Test func `an upstream that no route uses`() throws {
    let upstreams = "upstreams: {spare: {endpoints: [http://a]}, chat: {endpoints: [http://a]}}"
    #expect(try Self.warnings(upstreams: upstreams) == ["upstreams.spare: no route uses this upstream"])
  }

  @Test(arguments: [
    ("routes: [{path: /a, host: a, run: {upstream: chat}}]", "authentication: {authorize: SERVICE}"),
    ("routes: [{path: /a, host: a, run: {upstream: chat}, authentication: {authorize: SERVICE}}]", ""),
  ])
  func `an upstream that says who may come in is used`(routes: String, rest: String) throws {
    let service = "{upstream: doors, path: /verify}"
    let upstreams = "upstreams: {doors: {endpoints: [http://a]}, chat: {endpoints: [http://a]}}"
    #expect(
      try Self.warnings(
        upstreams: upstreams, routes: routes.replacing("SERVICE", with: service),
        rest: rest.replacing("SERVICE", with: service)) == [])
  }

  @Test(arguments: ["true", "{authorization: true}", "{cookies: pass}", "{cookies: [sid]}"])
  func `only an Authorization that any website may set is warned of`(credentials: String) throws {
    let routes =
      "routes: [{path: /a, host: a, run: {upstream: chat}, forward_credentials: \(credentials), "
      + "cors: {origins: ['*']}}]"
    let warnings = try Self.warnings(routes: routes)
    #expect(warnings.count == (credentials.hasPrefix("{cookies") ? 0 : 1))
    #expect(warnings.allSatisfy { $0.hasPrefix("routes[0].forward_credentials: every website may use this route") })
  }

  @Test func `what is likely to go wrong with proxies and limits is told with the rest`() throws {
    let rest = "trusted_proxies: [0.0.0.0/0]\nlimits: [{name: a, streams: 1, when_full: evict-oldest}]"
    #expect(
      try Self.warnings(rest: rest).map { $0.prefix { $0 != ":" } } == ["trusted_proxies", "limits[0].when_full"])
  }

  @Test(arguments: [("4999ms", false), ("5s", true), ("1h", true), ("0s", false)])
  func `keeping connections as long as uvicorn does`(time: String, isWarned: Bool) throws {
    let upstreams = "upstreams: {chat: {endpoints: [http://a], keep_alive: \(time)}}"
    #expect(
      try Self.warnings(upstreams: upstreams)
        == (isWarned
          ? [
            "upstreams.chat.keep_alive: uvicorn closes unused connections after 5s by default, and a request sent at "
              + "that moment is lost; stay below the orchestrator's own time"
          ] : []))
  }

  @Test(arguments: ["first_byte_timeout", "idle_timeout"], [("15s", true), ("15001ms", false)])
  func `giving an answer up before its first heartbeat`(key: String, time: (String, Bool)) throws {
    let upstreams = "upstreams: {chat: {endpoints: [http://a], \(key): \(time.0)}}"
    #expect(
      try Self.warnings(upstreams: upstreams)
        == (time.1
          ? [
            "upstreams.chat.\(key): an answer that pauses is given up before the first heartbeat (streams.heartbeat) "
              + "would have kept its client; models often think longer than that"
          ] : []))
  }

  // Routes

  @Test func `forwarding the credentials of every website`() throws {
    func routes(_ origins: String, _ forwards: Bool) -> String {
      "routes: [{path: /a, host: a, run: {upstream: chat}, forward_credentials: \(forwards), cors: {origins: [\(origins)]}}]"
    }
    #expect(
      try Self.warnings(routes: routes("\"*\"", true)) == [
        "routes[0].forward_credentials: every website may use this route (cors.origins has *), and the Authorization "
          + "its script sets reaches the upstream; list the origins"
      ])
    #expect(try Self.warnings(routes: routes("\"*\"", false)) == [])
    #expect(try Self.warnings(routes: routes("https://a.example", true)) == [])
  }

  @Test(arguments: ["run", "feed"], [("14999ms", false), ("15s", true)])
  func `letting an answer wait longer than a heartbeat`(action: String, wait: (time: String, isWarned: Bool)) throws {
    let (time, isWarned) = wait
    #expect(
      try Self.warnings(routes: "routes: [{path: /a, host: a, answer_after: \(time), \(action): {upstream: chat}}]")
        == (isWarned
          ? [
            "routes[0].answer_after: nothing is written while the answer waits, not even a heartbeat "
              + "(streams.heartbeat); proxies may cut the request first"
          ] : []))
  }

  @Test(arguments: ["cancel", "linger 3001ms", "linger 60s", "detach"])
  func `an abandoned run that nobody needs to be warned about`(policy: String) throws {
    #expect(try Self.warnings(routes: Self.abandoned(policy)) == [])
  }

  @Test func `runs that end before their client is back`() throws {
    #expect(
      try Self.warnings(routes: Self.abandoned("linger 3s")) == [
        "routes[0].on_abandoned: a client whose connection drops comes back after up to 3s (streams.retry), and its run "
          + "is ended by then; linger longer"
      ])
    #expect(try Self.warnings(routes: Self.abandoned("linger 3s"), rest: "streams: {retry: {max: 2s}}") == [])
  }

  @Test func `runs that cost money while nobody watches`() throws {
    #expect(
      try Self.warnings(routes: Self.abandoned("linger 60001ms")) == [
        "routes[0].on_abandoned: the model works on, and is paid, for 60001ms after the last client has left; who comes "
          + "back mostly does within seconds"
      ])
  }

  @Test(arguments: [("5m", false), ("300001ms", true)])
  func `runs that nobody watches and nothing ends soon`(time: String, isWarned: Bool) throws {
    let upstreams = "upstreams: {chat: {endpoints: [http://a], idle_timeout: \(time)}}"
    #expect(
      try Self.warnings(upstreams: upstreams, routes: Self.abandoned("detach"))
        == (isWarned
          ? [
            "routes[0].on_abandoned: nobody watches such a run, and its orchestrator may be silent for 300001ms "
              + "(upstreams.chat.idle_timeout) before it is given up; shorten that"
          ] : []))
  }

  // Identity

  @Test(arguments: [("{headers: []}", true), ("{headers: [], cookies: [session]}", false), ("{}", false)])
  func `runs that are opened by their id alone`(identity: String, isWarned: Bool) throws {
    #expect(
      try Self.warnings(rest: "identity: \(identity)")
        == (isWarned
          ? [
            "identity: without headers and cookies every run is opened by its id alone, so whoever comes to know one can "
              + "read and stop the run; name what your users are known by"
          ] : []))
  }

  // Clients and the end

  @Test(arguments: [(500, 1000, false), (501, 1000, true), (nil, 1, false), (1, nil, false)] as [(Int?, Int?, Bool)])
  func `clients for whom there are no descriptors`(clients: Int?, files: Int?, isWarned: Bool) throws {
    let surroundings = Surroundings(clients: clients, memoryBytes: nil, openFiles: files, stopTimeout: .seconds(90))
    #expect(
      try Self.warnings(in: surroundings)
        == (isWarned
          ? [
            "clients: 501 clients with a run each take two descriptors each, and the process may have 1000 open; raise "
              + "LimitNOFILE"
          ] : []))
  }

  @Test(arguments: [("60s", true), ("60001ms", false)])
  func `closing connections that a proxy still uses`(time: String, isWarned: Bool) throws {
    #expect(
      try Self.warnings(rest: "clients: {idle_timeout: \(time)}")
        == (isWarned
          ? [
            "clients.idle_timeout: nginx and most load balancers keep unused connections for 60s, and a request they "
              + "send when this gateway is just closing one fails; stay above the proxy's own time"
          ] : []))
  }

  @Test(arguments: [("89999ms", 90, false), ("90s", 90, true), ("30s", 20, true), ("2m", 180, false)])
  func `draining longer than the service manager waits`(time: String, stop: Int, isWarned: Bool) throws {
    let surroundings = Surroundings(clients: nil, memoryBytes: nil, openFiles: nil, stopTimeout: .seconds(stop))
    #expect(
      try Self.warnings(rest: "drain: {deadline: \(time)}", in: surroundings)
        == (isWarned
          ? [
            "drain.deadline: the service manager kills after \(stop)s (TimeoutStopSec), before the last runs may end; "
              + "stay below, or raise it there"
          ] : []))
  }

  @Test func `without more knowledge the service manager waits as long as systemd does`() {
    #expect(Surroundings.unknown.stopTimeout == .seconds(90))
  }
}

extension WarningTests {
  static func abandoned(_ policy: String) -> String {
    "routes: [{path: /a, host: a, run: {upstream: chat}, on_abandoned: \(policy)}]"
  }

  static let hosted = "routes: [{path: /a, host: a, run: {upstream: chat}}]"

  static func warnings(
    upstreams: String = MinimalFile.upstreams, routes: String = hosted, rest: String = "",
    in surroundings: Surroundings = .unknown
  ) throws -> [String] {
    try warnings(in: MinimalFile.yaml(upstreams: upstreams, routes: routes, rest: rest), surroundings)
  }

  static func warnings(in yaml: String, _ surroundings: Surroundings = .unknown) throws -> [String] {
    try Settings.parse(yaml: yaml, file: "gate.yaml").warnings(in: surroundings).map(\.description)
  }
}
