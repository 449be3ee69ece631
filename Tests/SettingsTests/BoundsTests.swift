import Testing

@testable import Settings

@Suite struct BoundsTests {
  /// A key with the values at its bounds, the nearest ones beyond, and what the bounds need beside them.
  struct Bound: Sendable, CustomTestStringConvertible {
    let key: String
    let allowed: [String]
    let refused: [String]
    let beside: [String: String]

    init(_ key: String, _ allowed: [String], not refused: [String], beside: [String: String] = [:]) {
      self.key = key
      self.allowed = allowed
      self.refused = refused
      self.beside = beside
    }

    var testDescription: String { key }
  }

  @Test(arguments: bounds)
  func `a value at its bound is allowed and the next one is refused`(bound: Bound) throws {
    let keys = try KeyFolder()
    let file = SmallFile(keyFile: "\(keys.path)/keys.pem")
    for value in bound.allowed {
      #expect(BadFile.problems(in: file.yaml(bound.key, value, beside: bound.beside)) == [], "\(value)")
    }
    for value in bound.refused {
      let problems = BadFile.problems(in: file.yaml(bound.key, value, beside: bound.beside))
      #expect(problems.count == 1, "\(value)")
      #expect(problems.first?.contains("given \"\(value)\", allowed: ") == true, "\(value)")
    }
  }

  @Test func `every key that is a time, a size or a number has its bounds tested`() {
    let bounded = Settings.keys.map(\.path).filter { path in
      // Routes read these as the file does.
      !path.hasPrefix("routes[].cors.") && !path.hasPrefix("routes[].authentication.")
    }
    let allowed = Dictionary(uniqueKeysWithValues: Settings.keys.map { ($0.path, $0.allowed ?? "") })
    #expect(bounded.filter { allowed[$0]?.contains(" from ") == true } == Self.bounds.map(\.key))
  }

  static let bounds = [
    Bound("listen[].tls.handshake_timeout", ["100ms", "5m"], not: ["99ms", "300001ms"]),
    Bound("listen[].tls.handshakes", ["none", "1/h", "1000000/s"], not: ["0/s", "1000001/h", "-1/s"]),
    Bound("listen[].tls.ticket_rotation", ["0s", "7d"], not: ["-1s", "604801s"]),
    Bound("listen[].hsts", ["0s", "3650d"], not: ["-1s", "315360001s"]),
    Bound("upstreams.*.connect_timeout", ["10ms", "5m"], not: ["9ms", "300001ms"]),
    Bound("upstreams.*.first_byte_timeout", ["100ms", "1h"], not: ["99ms", "3600001ms"]),
    Bound("upstreams.*.idle_timeout", ["100ms", "1d"], not: ["99ms", "86400001ms"]),
    Bound("upstreams.*.keep_alive", ["0s", "1h"], not: ["-1s", "3600001ms"]),
    Bound("upstreams.*.keep_alive_connections", ["1", "65536"], not: ["0", "65537", "-1", "99999999999999999999"]),
    Bound("upstreams.*.tcp_keepalive", ["1s", "2h"], not: ["999ms", "7200001ms"]),
    Bound("cors.max_age", ["0s", "24h"], not: ["-1s", "86401s"]),
    Bound("authentication.jwt.leeway", ["0s", "10m"], not: ["-1s", "601s"]),
    Bound("authentication.jwt.token_size", ["256B", "64KiB"], not: ["255B", "65537B"]),
    Bound("authentication.authorize.cache", ["0s", "1h"], not: ["-1s", "3600001ms"]),
    Bound("routes[].answer_after", ["0s", "30s"], not: ["-1s", "30001ms"]),
    Bound(
      "routes[].on_abandoned", ["linger 100ms", "linger 1h"],
      not: ["linger 99ms", "linger 3600001ms", "linger 0s", "linger -1s"]),
    Bound("routes[].feed.idle_timeout", ["0s", "1d"], not: ["-1s", "86400001ms"]),
    Bound(
      "routes[].feed.backoff.min", ["10ms", "1h"], not: ["9ms", "3600001ms"],
      beside: ["routes[].feed.backoff.max": "1h"]),
    Bound(
      "routes[].feed.backoff.max", ["10ms", "1h"], not: ["9ms", "3600001ms"],
      beside: ["routes[].feed.backoff.min": "10ms"]),
    Bound(
      "streams.client_buffer", ["4KiB", "64MiB"], not: ["4095B", "67108865B"],
      beside: ["streams.event_size": "1KiB", "streams.log.bytes": "64MiB"]),
    Bound(
      "streams.event_size", ["1KiB", "16MiB"], not: ["1023B", "16777217B"],
      beside: ["streams.client_buffer": "16MiB", "streams.log.bytes": "16MiB"]),
    Bound(
      "streams.log.bytes", ["4KiB", "1GiB"], not: ["4095B", "1073741825B"],
      beside: ["streams.client_buffer": "4KiB", "streams.event_size": "1KiB", "streams.budget": "1GiB"]),
    Bound("streams.log.events", ["10", "10000000"], not: ["9", "10000001"]),
    Bound("streams.log.age", ["1s", "1d"], not: ["999ms", "86400001ms"]),
    Bound("streams.budget", ["1MiB", "1024GiB"], not: ["1048575B", "1099511627777B"]),
    Bound("streams.keep_finished", ["0s", "1d"], not: ["-1s", "86400001ms"]),
    Bound("streams.heartbeat", ["1s", "10m"], not: ["999ms", "600001ms"]),
    Bound("streams.retry", ["100ms", "1h"], not: ["99ms", "3600001ms"]),
    Bound("streams.retry.min", ["100ms", "1h"], not: ["99ms", "3600001ms"], beside: ["streams.retry.max": "1h"]),
    Bound("streams.retry.max", ["100ms", "1h"], not: ["99ms", "3600001ms"], beside: ["streams.retry.min": "100ms"]),
    Bound("clients.head_timeout", ["100ms", "10m"], not: ["99ms", "600001ms"]),
    Bound("clients.body_timeout", ["100ms", "1h"], not: ["99ms", "3600001ms"]),
    Bound("clients.idle_timeout", ["1s", "1d"], not: ["999ms", "86400001ms"]),
    Bound("clients.send_timeout", ["1s", "1d"], not: ["999ms", "86400001ms"]),
    Bound("clients.head_size", ["1KiB", "1MiB"], not: ["1023B", "1048577B"], beside: ["clients.uri_size": "256B"]),
    Bound("clients.uri_size", ["256B", "512KiB"], not: ["255B", "524289B"], beside: ["clients.head_size": "1MiB"]),
    Bound("clients.body_size", ["1KiB", "1GiB"], not: ["1023B", "1073741825B"]),
    Bound("clients.connections", ["auto", "1", "10000000"], not: ["0", "10000001", "-1", "01"]),
    Bound("clients.tcp_keepalive", ["1s", "2h"], not: ["999ms", "7200001ms"]),
    Bound("clients.unsent_size", ["4KiB", "16MiB"], not: ["4095B", "16777217B"]),
    Bound("clients.http2.streams", ["1", "10000"], not: ["0", "10001"]),
    Bound("clients.http2.window", ["64KiB", "16MiB"], not: ["65535B", "16777217B"]),
    Bound("clients.http2.bodies", ["64KiB", "4GiB"], not: ["65535B", "4294967297B"]),
    Bound("clients.http2.continuations", ["0", "1000"], not: ["1001", "-1"]),
    Bound("clients.http2.resets", ["1/h", "1000000/s"], not: ["0/s", "1000001/s", "5"]),
    Bound("clients.http2.pings", ["1/h", "1000000/s"], not: ["0/s", "1000001/s", "5"]),
    Bound("clients.http2.settings", ["1/h", "1000000/s"], not: ["0/s", "1000001/s", "5"]),
    Bound("clients.http2.empty_frames", ["1/h", "1000000/s"], not: ["0/s", "1000001/s", "5"]),
    Bound("drain.deadline", ["0s", "1d"], not: ["-1s", "86400001ms"]),
    Bound("tickets.lifetime", ["1s", "5m"], not: ["999ms", "300001ms"]),
    Bound("tickets.count", ["1", "1000000"], not: ["0", "1000001", "-1"]),
    Bound("mux.streams", ["0", "10000"], not: ["-1", "10001"]),
    Bound("mux.log", ["32KiB", "1GiB"], not: ["32767B", "1073741825B"]),
    Bound("mux.linger", ["0s", "1h"], not: ["-1s", "3600001ms"]),
    Bound("limits[].streams", ["1", "1000000"], not: ["0", "1000001", "-1"]),
    Bound("limits[].connections", ["1", "1000000"], not: ["0", "1000001", "-1"]),
    Bound("limits[].rate", ["1/h", "1000000/s"], not: ["0/s", "1000001/h", "-1/s"]),
    Bound("limits[].burst", ["1", "1000000"], not: ["0", "1000001", "-1"]),
    Bound("limits[].when_full", ["wait 100ms", "wait 10m"], not: ["wait 99ms", "wait 600001ms", "wait 0s"]),
    Bound("limits[].waiting", ["1", "1000000"], not: ["0", "1000001", "-1"]),
    Bound("memory.budget", ["auto", "16MiB", "1024GiB"], not: ["16777215B", "1025GiB", "0B", "16", "50%"]),
    Bound("workers", ["auto", "1", "64"], not: ["0", "65", "-1", "01"]),
  ]

  // What must fit together fits at the bound too.

  @Test func `an event may be as large as the buffer, and a target one byte less than the head`() {
    #expect(BadFile.problems(in: MinimalFile.yaml(rest: "streams: {client_buffer: 64KiB, event_size: 64KiB}")) == [])
    #expect(BadFile.problems(in: MinimalFile.yaml(rest: "clients: {head_size: 8KiB, uri_size: 8191B}")) == [])
  }

  @Test func `a log may be as small as the buffer, the budget as small as a log, and the times to retry the same`() {
    let equal = "{client_buffer: 2MiB, log: {bytes: 2MiB}, budget: 2MiB, retry: {min: 2s, max: 2s}}"
    #expect(BadFile.problems(in: MinimalFile.yaml(rest: "streams: \(equal)")) == [])
  }

  @Test func `the times of a feed's backoff may be the same`() {
    let routes = "routes: [{path: /a, feed: {upstream: chat, backoff: {min: 2s, max: 2s}}}]"
    #expect(BadFile.problems(in: MinimalFile.yaml(routes: routes)) == [])
  }

  // How many there may be

  @Test(arguments: [64, 65])
  func `a gateway listens on 64 addresses at most`(count: Int) {
    let items = (1...count).map { "{address: \"127.0.0.1:\($0)\"}" }.joined(separator: ", ")
    let problems = BadFile.problems(in: MinimalFile.yaml(listen: "listen: [\(items)]"))
    #expect(
      problems == (count == 64 ? [] : ["gate.yaml:1: listen: given a list of 65, allowed: a list of 1 to 64 mappings"]))
  }

  @Test(arguments: [256, 257])
  func `there are 256 upstreams at most`(count: Int) {
    let names = (1..<count).map { "u\($0): {endpoints: [http://a]}" } + ["chat: {endpoints: [http://a]}"]
    let problems = BadFile.problems(in: MinimalFile.yaml(upstreams: "upstreams: {\(names.joined(separator: ", "))}"))
    let refusal = "gate.yaml:3: upstreams: given a mapping of 257, allowed: a mapping of at most 256 names"
    #expect(problems == (count == 256 ? [] : [refusal]))
  }

  @Test(arguments: [1024, 1025])
  func `there are 1024 routes at most`(count: Int) {
    let items = (1...count).map { "  - {path: /\($0), run: {upstream: chat}}" }
    let problems = BadFile.problems(in: MinimalFile.yaml(routes: "routes:\n" + items.joined(separator: "\n")))
    let refusal = "gate.yaml:7: routes: given a list of 1025, allowed: a list of 1 to 1024 mappings"
    #expect(problems == (count == 1024 ? [] : [refusal]))
  }

  @Test(arguments: [0, 64, 65])
  func `there are 64 limits at most`(count: Int) {
    let items = (0..<count).map { "{name: n\($0), streams: 1}" }.joined(separator: ", ")
    let problems = BadFile.problems(in: MinimalFile.yaml(rest: "limits: [\(items)]"))
    let refusal = "gate.yaml:9: limits: given a list of 65, allowed: a list of 0 to 64 mappings"
    #expect(problems == (count == 65 ? [refusal] : []))
  }

  @Test(arguments: [1, 16, 17])
  func `a service is shown 16 headers at most`(count: Int) {
    let names = (0..<count).map { "n\($0)" }.joined(separator: ", ")
    let service = "authorize: {upstream: chat, path: /verify, headers: [\(names)]}"
    #expect(
      BadFile.problems(in: MinimalFile.yaml(rest: "authentication: {\(service)}")).count == (count == 17 ? 1 : 0))
  }

  @Test(arguments: [64, 65])
  func `an upstream has 64 endpoints at most`(count: Int) {
    let items = (1...count).map { "http://a:\($0)" }.joined(separator: ", ")
    let problems = BadFile.problems(in: MinimalFile.yaml(upstreams: "upstreams: {chat: {endpoints: [\(items)]}}"))
    #expect(problems.count == count - 64)
  }

  @Test(arguments: ["headers", "cookies"], [0, 16, 17])
  func `an identity has 16 headers and 16 cookies at most`(key: String, count: Int) {
    let names = (0..<count).map { "n\($0)" }.joined(separator: ", ")
    let problems = BadFile.problems(in: MinimalFile.yaml(rest: "identity: {\(key): [\(names)]}"))
    #expect(problems.count == (count == 17 ? 1 : 0))
    let refusal = "gate.yaml:9: identity.\(key): given a list of 17, allowed: a list of 0 to 16 items"
    #expect(problems.allSatisfy { $0.hasPrefix(refusal) })
  }

  @Test(arguments: ["headers", "cookies"], [(128, 0), (129, 1)])
  func `a name in an identity has 128 bytes at most`(key: String, size: (bytes: Int, problems: Int)) {
    let name = String(repeating: "n", count: size.bytes)
    #expect(BadFile.problems(in: MinimalFile.yaml(rest: "identity: {\(key): [\(name)]}")).count == size.problems)
  }

  @Test(arguments: [0, 16, 17])
  func `a feed passes 16 headers at most`(count: Int) {
    let names = (0..<count).map { "n\($0)" }.joined(separator: ", ")
    let problems = BadFile.problems(
      in: MinimalFile.yaml(routes: "routes: [{path: /a, feed: {upstream: chat, headers: [\(names)]}}]"))
    #expect(problems.count == (count == 17 ? 1 : 0))
    let refusal = "gate.yaml:6: routes[0].feed.headers: given a list of 17, allowed: a list of 0 to 16 items"
    #expect(problems.allSatisfy { $0.hasPrefix(refusal) })
  }

  @Test(arguments: [(128, 0), (129, 1)])
  func `a header that a feed passes has a name of 128 bytes at most`(bytes: Int, problems: Int) {
    let name = String(repeating: "n", count: bytes)
    let routes = "routes: [{path: /a, feed: {upstream: chat, headers: [\(name)]}}]"
    #expect(BadFile.problems(in: MinimalFile.yaml(routes: routes)).count == problems)
  }

  @Test(arguments: [(1024, 0), (1025, 1)])
  func `a state directory has a path of 1024 bytes at most`(bytes: Int, problems: Int) {
    let path = "/" + String(repeating: "d", count: bytes - 1)
    #expect(BadFile.problems(in: MinimalFile.yaml(rest: "state_directory: \(path)")).count == problems)
  }

  @Test(arguments: [(64, 0), (65, 1)])
  func `a name of an upstream has 64 characters at most`(count: Int, problems: Int) {
    let name = String(repeating: "n", count: count)
    let yaml = MinimalFile.yaml(
      upstreams: "upstreams: {\(name): {endpoints: [http://a]}}",
      routes: "routes: [{path: /a, run: {upstream: \(name)}}]")
    #expect(BadFile.problems(in: yaml).count == problems)
  }
}
