import Testing

@testable import Settings

@Suite struct BadValueTests {
  @Test(arguments: values)
  func `a value of another kind, unit or size is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: unknown)
  func `a key that nobody reads is refused, with the one that was meant`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: contradictions)
  func `values that contradict each other are refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: identity)
  func `an identity that no client can show is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: stateDirectory)
  func `a directory that is not said in full is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: numbers)
  func `what is no number of workers, connections or tickets is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: authorize)
  func `a service that nobody can ask is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: cors)
  func `a policy that is none is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }
}

extension BadValueTests {
  static let values: [BadFile] = [
    BadFile("log: {level: verbose}", #":9: log.level: given "verbose", allowed: \#(levels)"#),
    BadFile("log: {level: INFO}", #":9: log.level: given "INFO", allowed: \#(levels)"#),
    BadFile("log: {format: yaml}", #":9: log.format: given "yaml", allowed: one of text, json"#),
    BadFile("log: {format: [text]}", ":9: log.format: given a list, allowed: one of text, json"),
    BadFile("log: info", #":9: log: given "info", allowed: a mapping"#),
    BadFile("log: [info]", ":9: log: given a list, allowed: a mapping"),
    BadFile("streams: 5", #":9: streams: given "5", allowed: a mapping"#),
    BadFile("streams: {heartbeat: 15}", #":9: streams.heartbeat: given "15", allowed: \#(time) from 1s to 10m"#),
    BadFile(
      "streams: {heartbeat: fifteen}",
      #":9: streams.heartbeat: given "fifteen", allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {heartbeat: 15 s}", #":9: streams.heartbeat: given "15 s", allowed: \#(time) from 1s to 10m"#),
    BadFile(#"streams: {heartbeat: "15x"}"#, #":9: streams.heartbeat: given "15x", allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {heartbeat: -1s}", #":9: streams.heartbeat: given "-1s", allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {heartbeat: 999ms}", #":9: streams.heartbeat: given "999ms", allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {heartbeat: 11m}", #":9: streams.heartbeat: given "11m", allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {heartbeat: }", #":9: streams.heartbeat: given nothing, allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {heartbeat: ~}", #":9: streams.heartbeat: given nothing, allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {heartbeat: {}}", #":9: streams.heartbeat: given a mapping, allowed: \#(time) from 1s to 10m"#),
    BadFile(#"streams: {heartbeat: ""}"#, #":9: streams.heartbeat: given "", allowed: \#(time) from 1s to 10m"#),
    BadFile("streams: {retry: 99ms}", #":9: streams.retry: given "99ms", allowed: \#(retry)"#),
    BadFile("streams: {retry: 2}", #":9: streams.retry: given "2", allowed: \#(retry)"#),
    BadFile("streams: {retry: [1s, 3s]}", ":9: streams.retry: given a list, allowed: \(retry)"),
    BadFile(
      "streams: {retry: {min: 99ms, max: 61m}}",
      #":9: streams.retry.min: given "99ms", allowed: \#(time) from 100ms to 1h"#,
      #":9: streams.retry.max: given "61m", allowed: \#(time) from 100ms to 1h"#),
    BadFile("streams: {retry: {min: }}", ":9: streams.retry.min: given nothing, allowed: \(time) from 100ms to 1h"),
    BadFile("streams: {log: 1MiB}", #":9: streams.log: given "1MiB", allowed: a mapping"#),
    BadFile(
      "streams: {log: {bytes: 1000000}}",
      #":9: streams.log.bytes: given "1000000", allowed: \#(size) from 4KiB to 1GiB"#),
    BadFile(
      "streams: {log: {events: 10k}}",
      #":9: streams.log.events: given "10k", allowed: a whole number from 10 to 10000000"#),
    BadFile("streams: {log: {age: 0s}}", #":9: streams.log.age: given "0s", allowed: \#(time) from 1s to 1d"#),
    BadFile("streams: {budget: 256}", #":9: streams.budget: given "256", allowed: \#(size) from 1MiB to 1024GiB"#),
    BadFile(
      "streams: {keep_finished: never}",
      #":9: streams.keep_finished: given "never", allowed: \#(time) from 0s to 1d"#),
    BadFile(
      "streams: {client_buffer: 256}",
      #":9: streams.client_buffer: given "256", allowed: \#(size) from 4KiB to 64MiB"#),
    BadFile(
      "streams: {client_buffer: 256kB}",
      #":9: streams.client_buffer: given "256kB", allowed: \#(size) from 4KiB to 64MiB"#),
    BadFile(
      "streams: {client_buffer: 1MB}",
      #":9: streams.client_buffer: given "1MB", allowed: \#(size) from 4KiB to 64MiB"#),
    BadFile(
      "streams: {client_buffer: 1B}",
      #":9: streams.client_buffer: given "1B", allowed: \#(size) from 4KiB to 64MiB"#),
    BadFile(
      "streams: {client_buffer: 65MiB}",
      #":9: streams.client_buffer: given "65MiB", allowed: \#(size) from 4KiB to 64MiB"#),
    BadFile(
      "streams: {client_buffer: 64KiB, event_size: 65KiB, heartbeat: 1}",
      #":9: streams.heartbeat: given "1", allowed: \#(time) from 1s to 10m"#),
    BadFile(
      "streams: {terminal_events: []}",
      #":9: streams.terminal_events: given a list of 0, allowed: a list of 1 to 64 items, each \#(name)"#),
    BadFile(
      "streams: {terminal_events: completed}",
      #":9: streams.terminal_events: given "completed", allowed: a list of 1 to 64 items, each \#(name)"#),
    BadFile(
      "streams: {terminal_events: [completed, completed]}",
      #":9: streams.terminal_events[1]: given "completed" again, allowed: each item once"#),
    BadFile(
      #"streams: {terminal_events: [completed, ""]}"#,
      #":9: streams.terminal_events[1]: given "", allowed: \#(name)"#),
    BadFile(
      #"streams: {terminal_events: [completed, "a\nb"]}"#,
      #":9: streams.terminal_events[1]: given "a\nb", allowed: \#(name)"#),
    BadFile(
      "streams: {terminal_events: [~, {a: b}]}",
      #":9: streams.terminal_events[0]: given nothing, allowed: \#(name)"#,
      #":9: streams.terminal_events[1]: given a mapping, allowed: \#(name)"#),
    BadFile(#"streams: {terminal_field: ""}"#, #":9: streams.terminal_field: given "", allowed: \#(name)"#),
    BadFile("clients: {head_size: 2MiB}", #":9: clients.head_size: given "2MiB", allowed: \#(size) from 1KiB to 1MiB"#),
    BadFile("clients: {body_size: 0B}", #":9: clients.body_size: given "0B", allowed: \#(size) from 1KiB to 1GiB"#),
    BadFile("clients: {send_timeout: 2d}", #":9: clients.send_timeout: given "2d", allowed: \#(time) from 1s to 1d"#),
    BadFile("drain: {deadline: 2d}", #":9: drain.deadline: given "2d", allowed: \#(time) from 0s to 1d"#),
    BadFile("drain: {deadline: .5s}", #":9: drain.deadline: given ".5s", allowed: \#(time) from 0s to 1d"#),
    BadFile("streams: !!map {heartbeat: 1}", #":9: streams.heartbeat: given "1", allowed: \#(time) from 1s to 10m"#),
    BadFile(
      #"streams: {heartbeat: "1\e[2Js"}"#,
      #":9: streams.heartbeat: given "1\u{1B}[2Js", allowed: \#(time) from 1s to 10m"#),
  ]

  static let identity: [BadFile] = [
    BadFile("identity: Authorization", #":9: identity: given "Authorization", allowed: a mapping"#),
    BadFile(
      "identity: {headers: Authorization}",
      #":9: identity.headers: given "Authorization", allowed: a list of 0 to 16 items, each \#(identityHeader)"#),
    BadFile(
      #"identity: {headers: ["X Y", "", "*", "X:"]}"#,
      #":9: identity.headers[0]: given "X Y", allowed: \#(identityHeader)"#,
      #":9: identity.headers[1]: given "", allowed: \#(identityHeader)"#,
      #":9: identity.headers[2]: given "*", allowed: \#(identityHeader)"#,
      #":9: identity.headers[3]: given "X:", allowed: \#(identityHeader)"#),
    BadFile(
      "identity: {headers: [X-User, x-user]}",
      #":9: identity.headers[1]: given "x-user" again, allowed: each item once"#),
    BadFile(
      "identity: {headers: [COOKIE]}",
      #":9: identity.headers[0]: given "COOKIE", allowed: a header field other than Cookie; cookies names single ones"#),
    BadFile(
      "identity: {cookies: [a=b, {a: b}, session, session]}",
      #":9: identity.cookies[0]: given "a=b", allowed: \#(identityCookie)"#,
      #":9: identity.cookies[1]: given a mapping, allowed: \#(identityCookie)"#,
      #":9: identity.cookies[3]: given "session" again, allowed: each item once"#),
    BadFile(
      "identity: {cookie: [session]}",
      ":9: identity.cookie: given an unknown key, allowed: one of cookies, headers; did you mean cookies?"),
  ]

  static let unknown: [BadFile] = [
    BadFile(
      "streams: {client_bufer: 1MiB}",
      #":9: streams.client_bufer: given an unknown key, allowed: \#(streamKeys); did you mean client_buffer?"#),
    BadFile(
      "stream: {heartbeat: 15s}",
      #":9: stream: given an unknown key, allowed: \#(topKeys); did you mean streams?"#),
    BadFile(
      "heartbeat: 15s",
      #":9: heartbeat: given an unknown key, allowed: \#(topKeys); did you mean streams.heartbeat?"#),
    BadFile("idle_timeout: 15s", #":9: idle_timeout: given an unknown key, allowed: \#(topKeys); \#(allTimeouts)"#),
    BadFile(
      "clients: {headTimeout: 15s}",
      #":9: clients.headTimeout: given an unknown key, allowed: \#(clientKeys); did you mean head_timeout?"#),
    BadFile("Drain: {deadline: 15s}", #":9: Drain: given an unknown key, allowed: \#(topKeys); did you mean drain?"#),
    BadFile("zebra: 1", #":9: zebra: given an unknown key, allowed: \#(topKeys)"#),
    BadFile("y-anchors: {}", #":9: y-anchors: given an unknown key, allowed: \#(topKeys)"#),
    BadFile(
      "drain: {cors: {}}",
      ":9: drain.cors: given an unknown key, allowed: one of deadline; did you mean cors or routes[].cors?"),
    BadFile(
      "streams: {log: {byte: 1MiB}}",
      ":9: streams.log.byte: given an unknown key, allowed: one of age, bytes, events; did you mean bytes?"),
    BadFile(
      "streams: {retry: {jitter: 1s}}",
      ":9: streams.retry.jitter: given an unknown key, allowed: one of max, min"),
    BadFile("age: 1m", #":9: age: given an unknown key, allowed: \#(topKeys); did you mean streams.log.age?"#),
    BadFile("streams: {x-a: 1}", #":9: streams.x-a: given an unknown key, allowed: \#(streamKeys)"#),
    BadFile(
      "cors: {origin: []}",
      #":9: cors.origin: given an unknown key, allowed: \#(corsKeys); did you mean origins?"#),
  ]

  static let contradictions: [BadFile] = [
    BadFile(
      "streams: {event_size: 512KiB}",
      ":9: streams.event_size: given 512KiB, allowed: at most client_buffer, which is 256KiB"),
    BadFile(
      "streams: {client_buffer: 64KiB}",
      ":9: streams.event_size: given 128KiB, allowed: at most client_buffer, which is 64KiB"),
    BadFile(
      "streams: {log: {bytes: 255KiB}}",
      ":9: streams.log.bytes: given 255KiB, allowed: at least client_buffer, which is 256KiB"),
    BadFile(
      "streams:\n  log:\n    age: 1m\n  client_buffer: 2MiB",
      ":12: streams.log.bytes: given 1MiB, allowed: at least client_buffer, which is 2MiB"),
    BadFile(
      "streams:\n  client_buffer: 2MiB\n  log:\n    bytes: 1MiB",
      ":12: streams.log.bytes: given 1MiB, allowed: at least client_buffer, which is 2MiB"),
    BadFile(
      "streams: {log: {bytes: 2MiB}, budget: 1MiB}",
      ":9: streams.budget: given 1MiB, allowed: at least log.bytes, which is 2MiB"),
    BadFile(
      "streams:\n  log:\n    bytes: 1GiB",
      ":11: streams.budget: given 256MiB, allowed: at least log.bytes, which is 1GiB"),
    BadFile(
      "streams: {client_buffer: 4MiB, event_size: 5MiB, log: {bytes: 3MiB}, budget: 2MiB}",
      ":9: streams.event_size: given 5MiB, allowed: at most client_buffer, which is 4MiB",
      ":9: streams.log.bytes: given 3MiB, allowed: at least client_buffer, which is 4MiB",
      ":9: streams.budget: given 2MiB, allowed: at least log.bytes, which is 3MiB"),
    BadFile(
      "streams: {retry: {min: 4s}}",
      ":9: streams.retry.min: given 4s, allowed: at most max, which is 3s"),
    BadFile(
      "streams:\n  retry:\n    max: 500ms",
      ":11: streams.retry.min: given 1s, allowed: at most max, which is 500ms"),
    BadFile(
      "clients: {uri_size: 16KiB}",
      ":9: clients.uri_size: given 16KiB, allowed: less than head_size, which is 16KiB"),
    BadFile(
      "clients: {head_size: 4KiB}",
      ":9: clients.uri_size: given 8KiB, allowed: less than head_size, which is 4KiB"),
  ]

  static let stateDirectory: [BadFile] = [
    BadFile("state_directory:", #":9: state_directory: given nothing, allowed: \#(directory)"#),
    BadFile(#"state_directory: """#, #":9: state_directory: given "", allowed: \#(directory)"#),
    BadFile("state_directory: var/lib", #":9: state_directory: given "var/lib", allowed: \#(directory)"#),
    BadFile("state_directory: ./runs", #":9: state_directory: given "./runs", allowed: \#(directory)"#),
    BadFile("state_directory: ~/runs", #":9: state_directory: given "~/runs", allowed: \#(directory)"#),
    BadFile("state_directory: None", #":9: state_directory: given "None", allowed: \#(directory)"#),
    BadFile(#"state_directory: "/a\0b""#, #":9: state_directory: given "/a\0b", allowed: \#(directory)"#),
    BadFile("state_directory: [/var/lib]", ":9: state_directory: given a list, allowed: \(directory)"),
    BadFile("state_directory: {path: /var/lib}", ":9: state_directory: given a mapping, allowed: \(directory)"),
    BadFile(
      "state_directry: /var/lib",
      #":9: state_directry: given an unknown key, allowed: \#(topKeys); did you mean state_directory?"#),
  ]

  static let numbers: [BadFile] = [
    BadFile("workers: 0", #":9: workers: given "0", allowed: \#(workers)"#),
    BadFile("workers: 65", #":9: workers: given "65", allowed: \#(workers)"#),
    BadFile("workers: 04", #":9: workers: given "04", allowed: \#(workers)"#),
    BadFile("workers: +4", #":9: workers: given "+4", allowed: \#(workers)"#),
    BadFile("workers: 1.5", #":9: workers: given "1.5", allowed: \#(workers)"#),
    BadFile("workers: Auto", #":9: workers: given "Auto", allowed: \#(workers)"#),
    BadFile("workers:", ":9: workers: given nothing, allowed: \(workers)"),
    BadFile("workers: [4]", ":9: workers: given a list, allowed: \(workers)"),
    BadFile(
      "worker: 4", #":9: worker: given an unknown key, allowed: \#(topKeys); did you mean workers?"#),
    BadFile("memory: {budget: 1MiB}", #":9: memory.budget: given "1MiB", allowed: \#(memory)"#),
    BadFile("memory: {budget: 64}", #":9: memory.budget: given "64", allowed: \#(memory)"#),
    BadFile("memory: {budget: }", ":9: memory.budget: given nothing, allowed: \(memory)"),
    BadFile("memory: 1GiB", #":9: memory: given "1GiB", allowed: a mapping"#),
    BadFile("clients: {connections: 0}", #":9: clients.connections: given "0", allowed: \#(connections)"#),
    BadFile("clients: {connections: 10k}", #":9: clients.connections: given "10k", allowed: \#(connections)"#),
    BadFile("clients: {connections: none}", #":9: clients.connections: given "none", allowed: \#(connections)"#),
    BadFile("clients: {connections: {}}", ":9: clients.connections: given a mapping, allowed: \(connections)"),
    BadFile("tickets:", ":9: tickets: given nothing, allowed: a mapping"),
    BadFile("tickets: true", #":9: tickets: given "true", allowed: a mapping"#),
    BadFile("tickets: {lifetime: 30}", #":9: tickets.lifetime: given "30", allowed: \#(time) from 1s to 5m"#),
    BadFile("tickets: {lifetime: 0s}", #":9: tickets.lifetime: given "0s", allowed: \#(time) from 1s to 5m"#),
    BadFile("tickets: {count: 0}", #":9: tickets.count: given "0", allowed: a whole number from 1 to 1000000"#),
    BadFile("tickets: {age: 1s}", ":9: tickets.age: given an unknown key, allowed: one of count, lifetime; \(age)"),
  ]

  static let authorize: [BadFile] = [
    BadFile("authentication: {authorize: http://a}", #":9: \#(service): given "http://a", allowed: a mapping"#),
    BadFile(
      "authentication: {authorize: {}}", ":9: \(service).upstream: given nothing, allowed: one of chat (upstreams)",
      ":9: \(service).path: given nothing, allowed: \(servicePath)"),
    BadFile(
      "authentication: {authorize: {upstream: auth, path: /verify}}",
      #":9: \#(service).upstream: given "auth", allowed: one of chat (upstreams)"#),
    BadFile(
      "authentication: {authorize: {upstream: chat, path: verify}}",
      #":9: \#(service).path: given "verify", allowed: \#(servicePath)"#),
    BadFile(
      "authentication: {authorize: {upstream: chat, path: /verify?a=b}}",
      #":9: \#(service).path: given "/verify?a=b", allowed: \#(servicePath)"#),
    BadFile(
      "authentication: {authorize: {upstream: chat, path: /verify, headers: []}}",
      ":9: \(service).headers: given a list of 0, allowed: a list of 1 to 16 items, each \(identityHeader)"),
    BadFile(
      "authentication: {authorize: {upstream: chat, path: /verify, headers: [X-A, X Y]}}",
      #":9: \#(service).headers[1]: given "X Y", allowed: \#(identityHeader)"#),
    BadFile(
      "authentication: {authorize: {upstream: chat, path: /verify, subject_header: 'X:'}}",
      #":9: \#(service).subject_header: given "X:", allowed: \#(identityHeader)"#),
    BadFile(
      "authentication: {authorize: {upstream: chat, path: /verify, cache: 2h}}",
      #":9: \#(service).cache: given "2h", allowed: \#(time) from 0s to 1h"#),
    BadFile(
      "authentication: {authorise: {}}",
      ":9: authentication.authorise: given an unknown key, allowed: one of authorize, jwt; did you mean authorize?"),
  ]

  static let cors: [BadFile] = [
    BadFile(
      #"cors: {origins: ["*"], credentials: true}"#,
      #":9: cors.credentials: given origin * together with credentials, allowed: \#(noCredentials)"#),
    BadFile(
      #"cors: {origins: ["https://a.example/"]}"#,
      #":9: cors.origins[0]: given "https://a.example/", allowed: \#(noOriginPath) https://a.example"#),
    BadFile("cors: {origins: [a.example]}", #":9: cors.origins[0]: given "a.example", allowed: \#(withScheme)"#),
    BadFile(
      #"cors: {origins: ["https://a.example", "https://A.example:443"]}"#,
      #":9: cors.origins[1]: given "https://A.example:443" again, allowed: each item once"#),
    BadFile(#"cors: {origins: "*"}"#, #":9: cors.origins: given "*", allowed: \#(origins)"#),
    BadFile("cors: {credentials: yes}", #":9: cors.credentials: given "yes", allowed: true or false"#),
    BadFile(#"cors: {credentials: "true"}"#, #":9: cors.credentials: given the text "true", allowed: true or false"#),
    BadFile(#"cors: {allowed_headers: ["*"]}"#, #":9: cors.allowed_headers[0]: given "*", allowed: \#(header)"#),
    BadFile("cors: {exposed_headers: [X Y]}", #":9: cors.exposed_headers[0]: given "X Y", allowed: \#(header)"#),
    BadFile("cors: {max_age: 1500ms}", #":9: cors.max_age: given "1500ms", allowed: \#(seconds) from 0s to 1d"#),
    BadFile("cors: {max_age: 25h}", #":9: cors.max_age: given "25h", allowed: \#(seconds) from 0s to 1d"#),
    BadFile("cors:", ":9: cors: given nothing, allowed: a mapping"),
  ]

  static let time = "a time in whole milliseconds with its unit (ms, s, m, h, d)"
  static let seconds = "a time in whole seconds with its unit (s, m, h, d)"
  static let size = "a size with its unit (B, KiB, MiB, GiB)"
  static let name = "a name of 1 to 128 bytes without control characters"
  static let levels = "one of trace, debug, info, notice, warning, error, critical"
  static let topKeys =
    "one of authentication, client_address_from, clients, cors, drain, identity, limits, listen, log, memory, mux, "
    + "routes, state_directory, streams, tickets, trusted_proxies, upstreams, workers"
  static let streamKeys =
    "one of budget, client_buffer, event_size, heartbeat, keep_finished, log, retry, terminal_events, terminal_field"
  static let retry = "a mapping, or \(time) from 100ms to 1h"
  static let identityHeader = "the name of a header field of at most 128 bytes, such as Authorization"
  static let directory = "none, or an absolute path of at most 1024 bytes"
  static let identityCookie = "the name of a cookie of at most 128 bytes, such as session"
  static let corsKeys = "one of allowed_headers, credentials, exposed_headers, max_age, origins, private_network"
  static let clientKeys =
    "one of body_size, body_timeout, connections, head_size, head_timeout, http2, idle_timeout, send_timeout, "
    + "tcp_keepalive, unsent_size, uri_size"
  static let allTimeouts =
    "did you mean upstreams.*.idle_timeout or routes[].feed.idle_timeout or clients.idle_timeout?"
  static let workers = "auto, or a whole number from 1 to 64"
  static let memory = "auto, or \(size) from 16MiB to 1024GiB"
  static let connections = "auto, or a whole number from 1 to 10000000"
  static let age = "did you mean streams.log.age?"
  static let service = "authentication.authorize"
  static let servicePath = "a path such as /verify, without query"
  static let origins = "a list of 0 to 256 items, each an origin such as https://app.example.com"
  static let noCredentials = "credentials only for listed origins, or * without credentials"
  static let noOriginPath = "an origin without path, slash or query, such as"
  static let withScheme = "an origin with its scheme: scheme://host[:port], https://*.host[:port], * or null"
  static let header = "the name of one header field, such as X-Request-Id (no *)"
}
