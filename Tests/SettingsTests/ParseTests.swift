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
          forwardCredentials: false, cors: nil)
      ],
      streams: StreamSettings(
        clientBufferBytes: 262_144, eventSizeBytes: 131_072, heartbeat: .seconds(15), retry: .seconds(2),
        terminalEvents: ["completed", "error"], terminalField: "event"),
      clients: ClientSettings(
        headTimeout: .seconds(10), bodyTimeout: .seconds(30), idleTimeout: .seconds(75), sendTimeout: .seconds(60),
        headSizeBytes: 16_384, uriSizeBytes: 8192, bodySizeBytes: 4_194_304),
      drain: DrainSettings(deadline: .seconds(30)),
      log: LogSettings(level: .info, format: .text))
    #expect(settings == expected)
  }

  @Test func `every key reaches its property`() throws {
    let settings = try Settings.parse(yaml: Self.fullFile, file: "gate.yaml")
    #expect(
      settings.listen == [
        .ipv4(host: "127.0.0.1", port: 0), .ipv6(host: "::1", port: 8004), .unix(path: "/run/sluice/http"),
      ])
    #expect(settings.upstreamNames == ["search", "chat"])
    #expect(
      settings.upstreams == [
        "search": .default(endpoints: [EndpointAddress(host: "search.internal", port: 80)]),
        "chat": UpstreamSettings(
          endpoints: [EndpointAddress(host: "::1", port: 9001), EndpointAddress(host: "10.0.0.2", port: 9002)],
          connectTimeout: .milliseconds(1500), firstByteTimeout: .seconds(61), idleTimeout: .seconds(62),
          keepAlive: .zero, keepAliveConnections: 7),
      ])
    #expect(settings.routes == (try Self.fullRoutes()))
    #expect(
      settings.streams
        == StreamSettings(
          clientBufferBytes: 1_048_576, eventSizeBytes: 2048, heartbeat: .seconds(16), retry: .milliseconds(2500),
          terminalEvents: ["done"], terminalField: "type"))
    #expect(
      settings.clients
        == ClientSettings(
          headTimeout: .seconds(11), bodyTimeout: .seconds(31), idleTimeout: .seconds(76), sendTimeout: .seconds(61),
          headSizeBytes: 8192, uriSizeBytes: 4096, bodySizeBytes: 1536 * 1024))
    #expect(settings.drain == DrainSettings(deadline: .seconds(60)))
    #expect(settings.log == LogSettings(level: .warning, format: .json))
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

  @Test func `settings put together in code name their upstreams in alphabetical order`() {
    let pool = UpstreamSettings.default(endpoints: [EndpointAddress(host: "a", port: 1)])
    let settings = Settings(
      listen: [], upstreams: ["b": pool, "c": pool, "a": pool], routes: [], streams: .default, clients: .default,
      drain: .default, log: .default)
    #expect(settings.upstreamNames == ["a", "b", "c"])
  }
}

extension ParseTests {
  static func fullRoutes() throws -> [RouteSettings] {
    let global = try CORSPolicy(
      origins: [OriginPattern("https://app.example.com"), OriginPattern("https://*.example.org")], credentials: true,
      allowedHeaders: ["X-Tenant"], exposedHeaders: ["X-Cost"], maxAge: .seconds(600))
    let own = try CORSPolicy(
      origins: [.any, .null], credentials: false, allowedHeaders: [], exposedHeaders: [], maxAge: .seconds(7200))
    func run(_ upstream: String, _ method: String, _ path: String, _ milliseconds: Int) -> RouteAction {
      .run(RunSettings(upstream: upstream, method: method, path: path, answerAfter: .milliseconds(milliseconds)))
    }
    return [
      RouteSettings(
        host: "chat.example.com", path: .exact("/chat"), action: run("chat", "PUT", "/process/stream", 0),
        forwardCredentials: true, cors: own),
      RouteSettings(
        host: "[::1]", path: .prefix("/files/"), action: run("search", "POST", "/search", 100),
        forwardCredentials: false, cors: global),
      RouteSettings(
        host: nil, path: .prefix("/"), action: run("search", "POST", "/", 2000), forwardCredentials: false,
        cors: global),
    ]
  }

  static let fullFile = """
    listen:
      - address: 127.0.0.1:0
      - address: "[0:0::1]:8004"
      - address: unix:/run/sluice/http
    upstreams:
      search:
        endpoints: [http://Search.Internal]
      chat:
        endpoints: ["http://[::1]:9001", "http://10.0.0.2:9002"]
        connect_timeout: 1.5s
        first_byte_timeout: 61s
        idle_timeout: 62s
        keep_alive: 0s
        keep_alive_connections: 7
    routes:
      - path: /chat
        host: Chat.Example.COM
        run: {upstream: chat, method: PUT, path: /process/stream}
        forward_credentials: true
        answer_after: 0s
        cors: {origins: ["*", "null"]}
      - path: /files/**
        host: "[0:0::1]"
        run: {upstream: search, path: /search}
      - path: /**
        run: {upstream: search, path: /}
        answer_after: 2s
    cors:
      origins: [https://app.example.com, "https://*.example.org"]
      credentials: true
      allowed_headers: [X-Tenant]
      exposed_headers: [X-Cost]
      max_age: 10m
    streams:
      client_buffer: 1MiB
      event_size: 2KiB
      heartbeat: 16s
      retry: 2.5s
      terminal_events: [done]
      terminal_field: type
    clients:
      head_timeout: 11s
      body_timeout: 31s
      idle_timeout: 76s
      send_timeout: 61s
      head_size: 8KiB
      uri_size: 4KiB
      body_size: 1.5MiB
    drain:
      deadline: 1m
    log:
      level: warning
      format: json
    """
}
