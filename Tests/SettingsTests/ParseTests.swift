import Admission
import Testing

@testable import Settings

@Suite struct ParseTests {
  @Test func `what a file leaves out has its default`() throws {
    let settings = try Settings.parse(yaml: MinimalFile.yaml(), file: "gate.yaml")
    let expected = Settings(
      listen: [.ipv4(host: "127.0.0.1", port: 8004)],
      upstreams: [
        "chat": UpstreamSettings(
          endpoints: [EndpointAddress(host: "127.0.0.1", port: 9000)], connectTimeout: .seconds(2),
          firstByteTimeout: .seconds(60), idleTimeout: .seconds(60), keepAlive: .seconds(4), keepAliveConnections: 1024)
      ],
      routes: [
        RouteSettings(
          host: nil, path: .exact("/process/stream"),
          action: .run(
            RunSettings(upstream: "chat", method: "POST", path: "/process/stream", answerAfter: .milliseconds(100))),
          onAbandoned: .linger(.seconds(15)), credentials: .none, cors: nil)
      ],
      cors: nil,
      identity: IdentitySettings(headers: ["authorization"], cookies: []),
      streams: StreamSettings(
        clientBufferBytes: 262_144, eventSizeBytes: 131_072,
        log: LogBoundsSettings(bytes: 1_048_576, events: 10_000, age: .seconds(600)), budgetBytes: 268_435_456,
        keepFinished: .seconds(300), heartbeat: .seconds(15),
        retry: RetrySettings(min: .seconds(1), max: .seconds(3)), terminalEvents: ["completed", "error"],
        terminalField: "event"),
      clients: ClientSettings(
        headTimeout: .seconds(10), bodyTimeout: .seconds(30), idleTimeout: .seconds(75), sendTimeout: .seconds(60),
        headSizeBytes: 16_384, uriSizeBytes: 8192, bodySizeBytes: 4_194_304),
      stateDirectory: .none,
      drain: DrainSettings(deadline: .seconds(30)),
      log: LogSettings(level: .info, format: .text))
    #expect(settings == expected)
  }

  @Test func `every key reaches its property`() throws {
    let settings = try Settings.parse(yaml: FullFile.yaml, file: "gate.yaml")
    var chat = UpstreamSettings(
      endpoints: [EndpointAddress(host: "::1", port: 9001), EndpointAddress(host: "10.0.0.2", port: 9002)],
      connectTimeout: .milliseconds(1500), firstByteTimeout: .seconds(61), idleTimeout: .seconds(62),
      keepAlive: .zero, keepAliveConnections: 7)
    chat.tcpKeepalive = .seconds(31)
    #expect(
      settings.listen == [
        .speakingHTTP2(ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 0), proxyProtocol: true)),
        ListenerSettings.admin(.ipv6(host: "::1", port: 8004)),
        ListenerSettings.redirecting(.unix(path: "/run/sluice/http"), to: 8443),
      ])
    #expect(settings.proxies.trusted.addresses.ranges.map(\.description) == ["10.0.0.0/8"])
    #expect(settings.proxies.trusted.includesUnixSockets && settings.proxies.clientAddressFrom == .forwarded)
    #expect(settings.upstreamNames == ["search", "chat"])
    #expect(
      settings.upstreams == [
        "search": .default(endpoints: [EndpointAddress(host: "search.internal", port: 80)]),
        "chat": chat,
      ])
    #expect(settings.routes == (try FullFile.routes()))
    #expect(settings.cors == (try FullFile.cors()))
    #expect(settings.identity == IdentitySettings(headers: ["x-user", "authorization"], cookies: ["__Host-Session"]))
    #expect(
      settings.streams
        == StreamSettings(
          clientBufferBytes: 1_048_576, eventSizeBytes: 2048,
          log: LogBoundsSettings(bytes: 2_097_152, events: 500, age: .seconds(1200)), budgetBytes: 1_073_741_824,
          keepFinished: .seconds(480), heartbeat: .seconds(16),
          retry: RetrySettings(min: .milliseconds(1500), max: .milliseconds(2500)), terminalEvents: ["done"],
          terminalField: "type"))
    var clients = ClientSettings(
      headTimeout: .seconds(11), bodyTimeout: .seconds(31), idleTimeout: .seconds(76), sendTimeout: .seconds(61),
      headSizeBytes: 8192, uriSizeBytes: 4096, bodySizeBytes: 1536 * 1024)
    clients.connections = .number(5000)
    clients.tcpKeepalive = .seconds(32)
    clients.unsentSizeBytes = 16 * 1024
    clients.http2.streams = 128
    clients.http2.windowBytes = 1024 * 1024
    clients.http2.bodiesBytes = 32 * 1024 * 1024
    clients.http2.continuations = 9
    clients.http2.resets = Rate(count: 201, unit: .minute)
    clients.http2.pings = Rate(count: 2, unit: .second)
    clients.http2.settings = Rate(count: 31, unit: .hour)
    clients.http2.emptyFrames = Rate(count: 501, unit: .minute)
    #expect(settings.clients == clients)
    #expect(settings.authentication == FullFile.authentication)
    #expect(settings.tickets == TicketSettings(lifetime: .seconds(45), count: 500))
    #expect(settings.limits == FullFile.limits)
    #expect(settings.memory == MemorySettings(budget: .bytes(768 << 20)))
    #expect(settings.mux == MuxSettings(streams: 50, logBytes: 2_097_152, linger: .seconds(45)))
    #expect(settings.workers == .number(3))
    #expect(settings.stateDirectory == .path("/var/lib/sluice"))
    #expect(settings.drain == DrainSettings(deadline: .seconds(60)))
    #expect(settings.log == LogSettings(level: .warning, format: .json))
  }

  @Test func `every key of the code but those with files stands in the full file`() throws {
    let root = try #require(SettingsNode(yaml: FullFile.yaml, report: SettingsReport(file: "gate.yaml")))
    let given = root.places().keys
    // Tokens and TLS need files, which their own tests make; a route reads its policy as the file does.
    let others = Settings.keys.map(\.path).filter { path in
      !path.hasPrefix("authentication.jwt") && !path.contains(".tls") && path != "listen[].hsts"
        && !path.hasPrefix("routes[].authentication.")
        && !path.hasPrefix("routes[].cors.")
    }
    #expect(Set(others).subtracting(given) == [])
  }

  @Test func `what the full file says is nowhere the default`() throws {
    let (full, plain) = (
      try Settings.parse(yaml: FullFile.yaml, file: "gate.yaml"),
      try Settings.parse(yaml: MinimalFile.yaml(), file: "gate.yaml")
    )
    #expect(full.workers != plain.workers && full.memory != plain.memory)
    #expect(full.limits != plain.limits && full.tickets != plain.tickets)
    #expect(full.proxies != plain.proxies && full.authentication != plain.authentication)
    #expect(full.clients.connections != plain.clients.connections)
    #expect(full.routes[0].refusal != plain.routes[0].refusal && full.routes[0].setCookie != plain.routes[0].setCookie)
    #expect(full.cors?.privateNetwork == true && plain.cors == nil)
  }

  @Test func `a route's own proof replaces the global one, and an empty one asks nobody`() throws {
    let settings = try Settings.parse(
      yaml: MinimalFile.yaml(
        routes: """
          routes:
            - {path: /global, run: {upstream: chat}}
            - {path: /own, run: {upstream: chat}, authentication: {authorize: {upstream: chat, path: /own}}}
            - {path: /open, run: {upstream: chat}, authentication: {}}
          """,
        rest: "authentication: {authorize: {upstream: chat, path: /global}}"),
      file: "gate.yaml")
    #expect(settings.authentication?.authorize?.path == "/global")
    #expect(settings.routes.map { $0.authentication?.authorize?.path } == ["/global", "/own", nil])
    #expect(settings.routes[2].authentication == AuthenticationSettings())
  }

  @Test func `a service's settings have defaults, and names in lower case`() throws {
    let plain = try Settings.parse(
      yaml: MinimalFile.yaml(rest: "authentication: {authorize: {upstream: chat, path: /verify}}"), file: "gate.yaml")
    #expect(
      plain.authentication?.authorize
        == AuthorizeSettings(
          upstream: "chat", path: "/verify", headers: ["authorization", "cookie"], subjectHeader: nil,
          cache: .seconds(10)))
    #expect(plain.authentication?.jwt == nil)
  }

  @Test(
    arguments: [("auto", .auto), ("1", .number(1)), ("'8'", .number(8)), ("64", .number(64))]
      as [(String, WorkerSettings)])
  func `workers are a number or found out`(text: String, workers: WorkerSettings) throws {
    let settings = try Settings.parse(yaml: MinimalFile.yaml(rest: "workers: \(text)"), file: "gate.yaml")
    #expect(settings.workers == workers && WorkerSettings("\(workers)") == workers)
  }

  @Test(
    arguments: [("auto", .auto), ("1", .number(1)), ("10000000", .number(10_000_000))] as [(String, ConnectionBound)])
  func `a bound of connections is a number or found out`(text: String, bound: ConnectionBound) throws {
    let settings = try Settings.parse(
      yaml: MinimalFile.yaml(rest: "clients: {connections: \(text)}"), file: "gate.yaml")
    #expect(settings.clients.connections == bound && ConnectionBound("\(bound)") == bound)
  }

  @Test(arguments: [("{}", 30, 100_000), ("{lifetime: 1m}", 60, 100_000), ("{count: 7}", 30, 7)])
  func `tickets are given out where the file has their key`(yaml: String, seconds: Int, count: Int) throws {
    let settings = try Settings.parse(yaml: MinimalFile.yaml(rest: "tickets: \(yaml)"), file: "gate.yaml")
    #expect(settings.tickets == TicketSettings(lifetime: .seconds(seconds), count: count))
  }

  @Test func `a route's policy replaces the global one, and an empty one closes the route`() throws {
    let settings = try Settings.parse(
      yaml: MinimalFile.yaml(
        routes: """
          routes:
            - {path: /global, run: {upstream: chat}}
            - {path: /own, run: {upstream: chat}, cors: {origins: [https://own.example]}}
            - {path: /closed, run: {upstream: chat}, cors: {}}
          """,
        rest: "cors: {origins: [https://global.example], credentials: true}"),
      file: "gate.yaml")
    #expect(
      settings.routes.map { $0.cors?.origins.map(\.description) } == [
        ["https://global.example"], ["https://own.example"], [],
      ])
    #expect(settings.routes.map { $0.cors?.credentials } == [true, false, false])
    #expect(settings.routes[2].cors == .sameOriginOnly)
  }

  @Test func `anchors, aliases and merges work, and x- keys are where to put them`() throws {
    let settings = try Settings.parse(
      yaml: """
        x-pool: &pool {connect_timeout: 3s, idle_timeout: 2m, keep_alive: 1s}
        x-slow: &slow {idle_timeout: 9m, first_byte_timeout: 8m}
        x-any: [1, {2: 3}]
        listen: [{address: "127.0.0.1:8004"}]
        upstreams:
          merged: {<<: *pool, endpoints: [http://a], idle_timeout: 1m}
          both: {endpoints: [http://b], <<: [*slow, *pool]}
        routes:
          - path: &path /process/stream
            run: {upstream: merged, path: *path}
        """, file: "gate.yaml")
    let merged = try #require(settings.upstreams["merged"])
    #expect(merged.connectTimeout == .seconds(3))
    #expect(merged.idleTimeout == .seconds(60))
    #expect(merged.keepAlive == .seconds(1))
    let both = try #require(settings.upstreams["both"])
    #expect(both.connectTimeout == .seconds(3))
    #expect(both.idleTimeout == .seconds(540))
    #expect(both.firstByteTimeout == .seconds(480))
    #expect(both.endpoints == [EndpointAddress(host: "b", port: 80)])
  }

  @Test func `line ends of Windows, a byte order mark, comments and quotes change nothing`() throws {
    let plain = try Settings.parse(yaml: MinimalFile.yaml(), file: "gate.yaml")
    let dressed =
      "\u{FEFF}# Greetings\r\n"
      + MinimalFile.yaml(rest: "streams: {heartbeat: '15s'} # as ever")
      .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    #expect(try Settings.parse(yaml: dressed, file: "gate.yaml") == plain)
  }

  @Test func `sections with nothing in them have their defaults`() throws {
    let empty = MinimalFile.yaml(rest: "streams:\nclients: ~\ndrain: {}\nlog: null")
    let plain = try Settings.parse(yaml: MinimalFile.yaml(), file: "gate.yaml")
    #expect(try Settings.parse(yaml: empty, file: "gate.yaml") == plain)
  }

  @Test func `the gateway's own paths have the global policy, not a route's`() throws {
    let routes = "routes: [{path: /own, run: {upstream: chat}, cors: {origins: [https://own.example]}}]"
    let without = try Settings.parse(yaml: MinimalFile.yaml(routes: routes), file: "gate.yaml")
    #expect(without.cors == nil)
    let with = try Settings.parse(
      yaml: MinimalFile.yaml(routes: routes, rest: "cors: {origins: [https://global.example]}"), file: "gate.yaml")
    #expect(with.cors?.origins.map(\.description) == ["https://global.example"])
    #expect(with.routes.map { $0.cors?.origins.map(\.description) } == [["https://own.example"]])
  }

  @Test(
    arguments: [
      ("2s", 2000, 2000), ("'2s'", 2000, 2000), ("{min: 2s}", 2000, 3000), ("{max: 5s}", 1000, 5000),
      ("{min: 100ms, max: 1h}", 100, 3_600_000), ("{}", 1000, 3000), ("", 1000, 3000), ("~", 1000, 3000),
    ] as [(String, Int, Int)])
  func `one time to retry is the shortest and the longest`(text: String, min: Int, max: Int) throws {
    let settings = try Settings.parse(yaml: MinimalFile.yaml(rest: "streams: {retry: \(text)}"), file: "gate.yaml")
    #expect(settings.streams.retry == RetrySettings(min: .milliseconds(min), max: .milliseconds(max)))
  }

  @Test func `an identity may have nothing in it`() throws {
    let settings = try Settings.parse(
      yaml: MinimalFile.yaml(rest: "identity: {headers: [], cookies: []}"), file: "gate.yaml")
    #expect(settings.identity == IdentitySettings(headers: [], cookies: []))
  }

  @Test func `upstreams changed in code keep their order, and new ones come last`() throws {
    let pool = UpstreamSettings.default(endpoints: [EndpointAddress(host: "a", port: 1)])
    var settings = try Settings.parse(yaml: FullFile.yaml, file: "gate.yaml")
    settings.upstreams["search"]?.idleTimeout = .seconds(1)
    #expect(settings.upstreamNames == ["search", "chat"])
    settings.upstreams.merge(["b": pool, "a": pool]) { $1 }
    #expect(settings.upstreamNames == ["search", "chat", "a", "b"])
    settings.upstreams["search"] = nil
    #expect(settings.upstreamNames == ["chat", "a", "b"])
  }

  @Test func `settings put together in code name their upstreams in alphabetical order`() {
    let pool = UpstreamSettings.default(endpoints: [EndpointAddress(host: "a", port: 1)])
    let settings = Settings(
      listen: [], upstreams: ["b": pool, "c": pool, "a": pool], routes: [], cors: nil, identity: .default,
      streams: .default, clients: .default, drain: .default, log: .default)
    #expect(settings.upstreamNames == ["a", "b", "c"])
  }
}

extension ListenerSettings {
  /// The same for HTTP/2 as well.
  fileprivate static func speakingHTTP2(_ listener: ListenerSettings) -> ListenerSettings {
    var listener = listener
    listener.http2 = true
    return listener
  }

  /// A listener for operators.
  fileprivate static func admin(_ address: ListenAddress) -> ListenerSettings {
    var listener = ListenerSettings(address: address)
    listener.isAdmin = true
    return listener
  }

  /// A listener that sends its clients on.
  fileprivate static func redirecting(_ address: ListenAddress, to port: UInt16) -> ListenerSettings {
    var listener = ListenerSettings(address: address)
    listener.redirect = HTTPSRedirect(port: port)
    return listener
  }
}
