import Admission
import Wire

@testable import Settings

/// A file with every key at another value than its default, and what it stands for.
enum FullFile {
  static func cors() throws -> CORSPolicy {
    try CORSPolicy(
      origins: [OriginPattern("https://app.example.com"), OriginPattern("https://*.example.org")], credentials: true,
      allowedHeaders: ["X-Tenant"], exposedHeaders: ["X-Cost"], maxAge: .seconds(600),
      privateNetwork: true)
  }

  static func routes() throws -> [RouteSettings] {
    let global = try cors()
    let own = try CORSPolicy(
      origins: [.any, .null], credentials: false, allowedHeaders: [], exposedHeaders: [], maxAge: .seconds(7200))
    func run(_ upstream: String, _ method: String, _ path: String, _ milliseconds: Int) -> RouteAction {
      .run(RunSettings(upstream: upstream, method: method, path: path, answerAfter: .milliseconds(milliseconds)))
    }
    var routes = [
      RouteSettings(
        host: "chat.example.com", path: .exact("/chat"), action: run("chat", "PUT", "/process/stream", 0),
        onAbandoned: .cancel,
        credentials: CredentialForwarding(authorization: true, cookies: .named(["sid", "__Host-id"])), cors: own),
      RouteSettings(
        host: "[::1]", path: .prefix("/files/"), action: run("search", "POST", "/search", 100),
        onAbandoned: .detach, credentials: .none, cors: global),
      RouteSettings(
        host: nil, path: .prefix("/state/"),
        action: .feed(
          FeedSettings(
            upstream: "search", path: .prefix("/v1/events/"), headers: ["accept-language", "x-tenant"], isPublic: true,
            answerAfter: .milliseconds(300), idleTimeout: .seconds(180),
            backoff: BackoffSettings(min: .milliseconds(250), max: .seconds(40)))),
        onAbandoned: .linger(.seconds(3)), credentials: .none, cors: global),
      RouteSettings(
        host: nil, path: .prefix("/"), action: run("search", "POST", "/", 2000), onAbandoned: .linger(.seconds(90)),
        credentials: .none, cors: global),
    ]
    for index in routes.indices { routes[index].authentication = authentication }
    routes[0].setCookie = SetCookiePolicy(.named(["sid"]))
    routes[0].refusal = .stream
    routes[0].slowReaders = .coalesce(
      CoalescingSettings(type: "chunk", text: JSONPath("choices[0].delta"), latest: ["at", "n"]))
    routes[0].backpressure = true
    routes[1].slowReaders = .coalesce(CoalescingSettings(text: nil))
    routes[2].slowReaders = .skip
    routes[1].credentials = .all
    routes[1].setCookie = SetCookiePolicy(.pass)
    routes[1].authentication = AuthenticationSettings()
    return routes
  }

  static let authentication = AuthenticationSettings(
    authorize: AuthorizeSettings(
      upstream: "search", path: "/verify", headers: ["x-key"], subjectHeader: "x-user", cache: .seconds(3)))

  static let limits = [
    Limit(name: "tabs", per: [.client, .domain], counts: .streams(6), whenFull: .evictOldest),
    Limit(
      name: "capacity", per: [.upstream], counts: .streams(256), whenFull: .wait(.milliseconds(2500)), waiting: 40),
    Limit(name: "sockets", per: [.client], counts: .connections(30), whenFull: .refuse),
    Limit(name: "starts", per: [], counts: .rate(Rate(count: 90, unit: .minute), burst: 5), whenFull: .refuse),
  ]

  static let yaml = """
    listen:
      - address: 127.0.0.1:0
        proxy_protocol: true
        http2: true
      - address: "[0:0::1]:8004"
        admin: true
      - address: unix:/run/sluice/http
        redirect: https:8443
    trusted_proxies: [10.0.0.0/8, unix]
    client_address_from: forwarded
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
        tcp_keepalive: 31s
    routes:
      - path: /chat
        host: Chat.Example.COM
        run: {upstream: chat, method: PUT, path: /process/stream}
        forward_credentials: {authorization: true, cookies: [sid, __Host-id]}
        set_cookie: [sid]
        refusal: stream
        slow_readers: coalesce
        coalesce: {type: chunk, text: "choices[0].delta", latest: [at, n]}
        backpressure: true
        answer_after: 0s
        on_abandoned: cancel
        cors: {origins: ["*", "null"]}
      - path: /files/**
        host: "[0:0::1]"
        run: {upstream: search, path: /search}
        forward_credentials: true
        set_cookie: pass
        slow_readers: coalesce
        coalesce: {data: text}
        on_abandoned: detach
        authentication: {}
      - path: /state/**
        feed:
          upstream: search
          path: /v1/events/**
          headers: [Accept-Language, x-tenant]
          public: true
          idle_timeout: 3m
          backoff: {min: 250ms, max: 40s}
        slow_readers: skip
        answer_after: 300ms
        on_abandoned: linger 3s
      - path: /**
        run: {upstream: search, path: /}
        answer_after: 2s
        on_abandoned: linger 1.5m
    cors:
      origins: [https://app.example.com, "https://*.example.org"]
      credentials: true
      allowed_headers: [X-Tenant]
      exposed_headers: [X-Cost]
      max_age: 10m
      private_network: true
    authentication:
      authorize: {upstream: search, path: /verify, headers: [X-Key], subject_header: X-User, cache: 3s}
    tickets: {lifetime: 45s, count: 500}
    identity:
      headers: [X-User, authorization]
      cookies: [__Host-Session]
    streams:
      client_buffer: 1MiB
      event_size: 2KiB
      log: {bytes: 2MiB, events: 500, age: 20m}
      budget: 1GiB
      keep_finished: 8m
      heartbeat: 16s
      retry: {min: 1.5s, max: 2.5s}
      terminal_events: [done]
      terminal_field: type
    mux: {streams: 50, log: 2MiB, linger: 45s}
    limits:
      - {name: tabs, per: [client, domain], streams: 6, when_full: evict-oldest}
      - {name: capacity, per: [upstream], streams: 256, when_full: wait 2.5s, waiting: 40}
      - {name: sockets, per: [client], connections: 30}
      - {name: starts, rate: 90/m, burst: 5}
    clients:
      connections: 5000
      tcp_keepalive: 32s
      unsent_size: 16KiB
      head_timeout: 11s
      body_timeout: 31s
      idle_timeout: 76s
      send_timeout: 61s
      head_size: 8KiB
      uri_size: 4KiB
      body_size: 1.5MiB
      http2:
        streams: 128
        window: 1MiB
        bodies: 32MiB
        continuations: 9
        resets: 201/m
        pings: 2/s
        settings: 31/h
        empty_frames: 501/m
    memory: {budget: 768MiB}
    workers: 3
    state_directory: /var/lib/sluice
    drain:
      deadline: 1m
    log:
      level: warning
      format: json
    """
}
