import Testing

@testable import Settings

@Suite struct BadSectionTests {
  @Test(arguments: listen)
  func `an address on which nobody can listen is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(listen: file.text + "\n"))
  }

  @Test(arguments: upstreams)
  func `an upstream that nobody can reach is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(upstreams: file.text + "\n\n"))
  }

  @Test(arguments: routes)
  func `a route that leads nowhere is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(routes: file.text))
  }
}

extension BadSectionTests {
  static let listen: [BadFile] = [
    BadFile("listen:", ":1: listen: given nothing, allowed: a list of 1 to 64 mappings"),
    BadFile("listen: 127.0.0.1:8004", #":1: listen: given "127.0.0.1:8004", allowed: a list of 1 to 64 mappings"#),
    BadFile("listen: []", ":1: listen: given a list of 0, allowed: a list of 1 to 64 mappings"),
    BadFile("listen: [127.0.0.1:8004]", #":1: listen[0]: given "127.0.0.1:8004", allowed: a mapping"#),
    BadFile("listen: [{}]", #":1: listen[0].address: given nothing, allowed: \#(address)"#),
    BadFile("listen: [{address: 8004}]", #":1: listen[0].address: given "8004", allowed: \#(address)"#),
    BadFile(#"listen: [{address: "127.0.0.1"}]"#, #":1: listen[0].address: given "127.0.0.1", allowed: \#(address)"#),
    BadFile(
      #"listen: [{address: "127.0.0.1:65536"}]"#,
      #":1: listen[0].address: given "127.0.0.1:65536", allowed: \#(address)"#),
    BadFile(
      #"listen: [{address: "localhost:8004"}]"#,
      #":1: listen[0].address: given "localhost:8004", allowed: \#(address)"#),
    BadFile(#"listen: [{address: "::1:8004"}]"#, #":1: listen[0].address: given "::1:8004", allowed: \#(address)"#),
    BadFile(
      #"listen: [{address: "127.0.0.1:08004"}]"#,
      #":1: listen[0].address: given "127.0.0.1:08004", allowed: \#(address)"#),
    BadFile(#"listen: [{address: "unix:run/x"}]"#, #":1: listen[0].address: given "unix:run/x", allowed: \#(address)"#),
    BadFile(#"listen: [{address: "unix:/"}]"#, #":1: listen[0].address: given "unix:/", allowed: \#(address)"#),
    BadFile(
      #"listen: [{address: "127.0.0.1:1"}, {address: "127.0.0.1:1"}]"#,
      ":1: listen[1].address: given 127.0.0.1:1 again, allowed: once; line 1 has it already"),
    BadFile(
      #"listen: [{adress: "127.0.0.1:1"}]"#,
      #":1: listen[0].address: given nothing, allowed: \#(address)"#,
      ":1: listen[0].adress: given an unknown key, allowed: one of \(listenKeys); did you mean address?"
    ),
    BadFile(
      #"listen: [{address: "127.0.0.1:1", backlog: 3}]"#,
      ":1: listen[0].backlog: given an unknown key, allowed: one of \(listenKeys)"),
    BadFile("x-none: 1", ":1: listen: given nothing, allowed: a list of 1 to 64 mappings"),
  ]

  static let upstreams: [BadFile] = [
    BadFile("upstreams: [chat]", ":3: upstreams: given a list, allowed: a mapping of at most 256 names"),
    BadFile(
      "upstreams:",
      #":8: routes[0].run.upstream: given "chat", allowed: one of the upstreams, but there are none"#),
    BadFile("upstreams: {chat: }", #":3: upstreams.chat.endpoints: given nothing, allowed: \#(endpoints)"#),
    BadFile(
      "upstreams: {chat: http://127.0.0.1:9000}",
      #":3: upstreams.chat: given "http://127.0.0.1:9000", allowed: a mapping"#),
    BadFile(
      "upstreams: {chat: {endpoints: http://127.0.0.1:9000}}",
      #":3: upstreams.chat.endpoints: given "http://127.0.0.1:9000", allowed: \#(endpoints)"#),
    BadFile(
      "upstreams: {chat: {endpoints: []}}",
      #":3: upstreams.chat.endpoints: given a list of 0, allowed: \#(endpoints)"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["127.0.0.1:9000"]}}"#,
      #":3: upstreams.chat.endpoints[0]: given "127.0.0.1:9000", allowed: \#(endpoint)"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://127.0.0.1:9000/"]}}"#,
      #":3: upstreams.chat.endpoints[0]: given "http://127.0.0.1:9000/", allowed: \#(noPath)"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://u:p@127.0.0.1:9000"]}}"#,
      #":3: upstreams.chat.endpoints[0]: given an endpoint with a user, allowed: \#(noUser)"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://127.0.0.1:0"]}}"#,
      #":3: upstreams.chat.endpoints[0]: given "http://127.0.0.1:0", allowed: \#(endpoint)"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a", "http://A:80"]}}"#,
      #":3: upstreams.chat.endpoints[1]: given "http://A:80" again, allowed: each item once"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a"], keep_alive: 2h}}"#,
      #":3: upstreams.chat.keep_alive: given "2h", allowed: \#(time) from 0s to 1h"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a"], keep_alive_connections: 0}}"#,
      #":3: upstreams.chat.keep_alive_connections: given "0", allowed: a whole number from 1 to 65536"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a"], keep_alive_connections: "8"}}"#,
      #":3: upstreams.chat.keep_alive_connections: given the text "8", allowed: a whole number from 1 to 65536"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a"], keep_alive_connections: 1e3}}"#,
      #":3: upstreams.chat.keep_alive_connections: given "1e3", allowed: a whole number from 1 to 65536"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a"], connect_timeout: 0s}}"#,
      #":3: upstreams.chat.connect_timeout: given "0s", allowed: \#(time) from 10ms to 5m"#),
    BadFile(
      #"upstreams: {chat: {endpoint: "http://a"}}"#,
      #":3: upstreams.chat.endpoints: given nothing, allowed: \#(endpoints)"#,
      #":3: upstreams.chat.endpoint: given an unknown key, allowed: \#(upstreamKeys); did you mean endpoints?"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a"]}, "b c": {endpoints: ["http://a"]}}"#,
      #":3: upstreams: given the name "b c", allowed: a name of 1 to 64 letters, digits, _ and -"#),
    BadFile(
      #"upstreams: {chat: {endpoints: ["http://a"]}, chat: {endpoints: ["ftp://a"]}}"#,
      ":3: upstreams.chat: given the key again after line 3, allowed: each key once",
      #":3: upstreams.chat.endpoints[0]: given "ftp://a", allowed: \#(endpoint)"#),
  ]

  static let routes: [BadFile] = [
    BadFile(
      "routes: [{path: /a, run: {upstream: chat}, refusal: 429}]",
      #":6: routes[0].refusal: given "429", allowed: one of status, stream"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat}, refusal: Stream}]",
      #":6: routes[0].refusal: given "Stream", allowed: one of status, stream"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat}, authentication: {authorize: {upstream: auth, path: /verify}}}]",
      #":6: routes[0].authentication.authorize.upstream: given "auth", allowed: one of chat (upstreams)"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat}, authentication: none}]",
      #":6: routes[0].authentication: given "none", allowed: a mapping"#),
    BadFile("routes: []", ":6: routes: given a list of 0, allowed: a list of 1 to 1024 mappings"),
    BadFile("routes: {path: /}", ":6: routes: given a mapping, allowed: a list of 1 to 1024 mappings"),
    BadFile("routes: [/]", #":6: routes[0]: given "/", allowed: a mapping"#),
    BadFile("x-routes: 1", ":1: routes: given nothing, allowed: a list of 1 to 1024 mappings"),
    BadFile("routes: [{run: {upstream: chat}}]", #":6: routes[0].path: given nothing, allowed: \#(path)"#),
    BadFile("routes: [{path: /a}]", ":6: routes[0].run: given nothing, allowed: \(actions)"),
    BadFile("routes: [{path: /a, run: }]", ":6: routes[0].run: given nothing, allowed: a mapping"),
    BadFile("routes: [{path: /a, run: chat}]", #":6: routes[0].run: given "chat", allowed: a mapping"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chta}}]",
      #":6: routes[0].run.upstream: given "chta", allowed: one of chat (upstreams)"#),
    BadFile(
      "routes: [{path: /a, run: {}}]",
      ":6: routes[0].run.upstream: given nothing, allowed: one of chat (upstreams)"),
    BadFile("routes: [{path: a, run: {upstream: chat}}]", #":6: routes[0].path: given "a", allowed: \#(path)"#),
    BadFile("routes: [{path: /a/*, run: {upstream: chat}}]", #":6: routes[0].path: given "/a/*", allowed: \#(path)"#),
    BadFile(
      #"routes: [{path: "/a?b", run: {upstream: chat}}]"#,
      #":6: routes[0].path: given "/a?b", allowed: \#(path)"#),
    BadFile(
      "routes: [{path: /a/../b, run: {upstream: chat}}]",
      #":6: routes[0].path: given "/a/../b", allowed: \#(path)"#),
    BadFile("routes: [{path: //a, run: {upstream: chat}}]", #":6: routes[0].path: given "//a", allowed: \#(path)"#),
    BadFile(
      #"routes: [{path: "/a%2", run: {upstream: chat}}]"#,
      #":6: routes[0].path: given "/a%2", allowed: \#(path)"#),
    BadFile(
      "routes: [{path: /_sluice/runs, run: {upstream: chat}}]",
      #":6: routes[0].path: given "/_sluice/runs", allowed: a path outside /_sluice/, where the gateway's own are"#),
    BadFile(
      "routes: [{path: /a/**, run: {upstream: chat}}]",
      ":6: routes[0].run.path: given nothing, allowed: a path, because the route's own is not just one"),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat, method: GET}}]",
      #":6: routes[0].run.method: given "GET", allowed: one of POST, PUT"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat, path: a}}]",
      #":6: routes[0].run.path: given "a", allowed: a path such as /chat, without query"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat, answer_after: 1s}}]",
      ":6: routes[0].run.answer_after: given an unknown key, "
        + "allowed: one of method, path, upstream; did you mean routes[].answer_after?"),
    BadFile(
      #"routes: [{path: /a, host: "http://a", run: {upstream: chat}}]"#,
      #":6: routes[0].host: given "http://a", allowed: \#(host)"#),
    BadFile(
      #"routes: [{path: /a, host: "a:80", run: {upstream: chat}}]"#,
      #":6: routes[0].host: given "a:80", allowed: \#(host)"#),
    BadFile(
      #"routes: [{path: /a, host: "a.", run: {upstream: chat}}]"#,
      #":6: routes[0].host: given "a.", allowed: \#(host)"#),
    BadFile(
      "routes: [{path: /a, answer_after: 1m, run: {upstream: chat}}]",
      #":6: routes[0].answer_after: given "1m", allowed: \#(time) from 0s to 30s"#),
    BadFile(
      "routes: [{path: /a, on_abandoned: stop, run: {upstream: chat}}]",
      #":6: routes[0].on_abandoned: given "stop", allowed: \#(onAbandoned)"#),
    BadFile(
      "routes: [{path: /a, on_abandoned: linger, run: {upstream: chat}}]",
      #":6: routes[0].on_abandoned: given "linger", allowed: \#(onAbandoned)"#),
    BadFile(
      "routes: [{path: /a, on_abandoned: 15s, run: {upstream: chat}}]",
      #":6: routes[0].on_abandoned: given "15s", allowed: \#(onAbandoned)"#),
    BadFile(
      "routes: [{path: /a, on_abandoned: {linger: 15s}, run: {upstream: chat}}]",
      ":6: routes[0].on_abandoned: given a mapping, allowed: \(onAbandoned)"),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat, on_abandoned: cancel}}]",
      ":6: routes[0].run.on_abandoned: given an unknown key, "
        + "allowed: one of method, path, upstream; did you mean routes[].on_abandoned?"),
    BadFile(
      "routes: [{path: /a, forward_credentials: 1, run: {upstream: chat}}]",
      #":6: routes[0].forward_credentials: given "1", allowed: a mapping, or true or false"#),
    BadFile(
      "routes: [{path: /a, run: {upstream: chat}}, {path: /a, run: {upstream: chat}}]",
      ":6: routes[1].path: given /a for every host again, allowed: once; line 6 has it already"),
    BadFile(
      "routes: [{path: /a, host: a, run: {upstream: chat}}, {path: /a, host: A, run: {upstream: chat}}]",
      ":6: routes[1].path: given /a for host a again, allowed: once; line 6 has it already"),
    BadFile(
      #"routes: [{path: /a, cors: {origins: ["*"], credentials: true}, run: {upstream: chat}}]"#,
      #":6: routes[0].cors.credentials: given origin * together with credentials, allowed: \#(noCredentials)"#),
    BadFile(
      "routes: [{path: /a, cors: , run: {upstream: chat}}]",
      ":6: routes[0].cors: given nothing, allowed: a mapping"),
    BadFile(
      "routes: [{path: /a, topic: {upstream: chat}}]",
      ":6: routes[0].run: given nothing, allowed: \(actions)",
      #":6: routes[0].topic: given an unknown key, allowed: \#(routeKeys)"#),
    BadFile(
      "routes: [{path: /_sluice/**, run: {upstream: chat, path: /a}}]",
      #":6: routes[0].path: given "/_sluice/**", allowed: a path outside /_sluice/, where the gateway's own are"#),
    BadFile("routes: [{path: /a b, run: {upstream: chat}}]", #":6: routes[0].path: given "/a b", allowed: \#(path)"#),
    BadFile("routes: [{path: /é, run: {upstream: chat}}]", #":6: routes[0].path: given "/é", allowed: \#(path)"#),
    BadFile(
      #"routes: [{path: "/**/a", run: {upstream: chat}}]"#,
      #":6: routes[0].path: given "/**/a", allowed: \#(path)"#),
    BadFile(
      #"routes: [{path: "/a**", run: {upstream: chat}}]"#,
      #":6: routes[0].path: given "/a**", allowed: \#(path)"#),
    BadFile(
      "routes: [{path: /a/**, run: {upstream: chat, path: /b}}, {path: /a/**, run: {upstream: chat, path: /c}}]",
      ":6: routes[1].path: given /a/** for every host again, allowed: once; line 6 has it already"),
  ]

  static let time = "a time in whole milliseconds with its unit (ms, s, m, h, d)"
  static let address = "0.0.0.0:8004, [::1]:8004 or unix:/absolute/path (at most 107 bytes)"
  static let listenKeys = "address, admin, hsts, http2, proxy_protocol, redirect, tls"
  static let endpoint = "http[s]://host[:port] with a host name or address (IPv6 in brackets)"
  static let endpoints = "a list of 1 to 64 items, each \(endpoint)"
  static let noPath = "http[s]://host[:port] without path, query or slash at its end"
  static let noUser = "http[s]://host[:port] without user and password"
  static let upstreamKeys =
    "one of connect_timeout, endpoints, first_byte_timeout, idle_timeout, keep_alive, keep_alive_connections, tcp_keepalive, tls"
  static let path =
    "a path such as /chat, or /chat/** for all below it; no query, spaces, * or empty, . and .. segments, "
    + "at most 1024 bytes"
  static let host = "a host name or address without scheme, port, * or dot at its end"
  static let actions = "one of run, feed, with a mapping below it"
  static let routeKeys =
    "one of answer_after, authentication, backpressure, coalesce, cors, feed, forward_credentials, host, on_abandoned, "
    + "path, refusal, run, set_cookie, slow_readers"
  static let onAbandoned = "cancel, detach, or linger and \(time) from 100ms to 1h, such as linger 15s"
  static let noCredentials = "credentials only for listed origins, or * without credentials"
}
