import Testing

@testable import Settings

@Suite struct ReportTests {
  @Test func `all problems of a file are told at once, in its order`() {
    let yaml = """
      listen:
        - address: localhost:8004
      upstreams:
        chat:
          endpoints: [ftp://orchestrator.internal]
          conect_timeout: 2s
        search:
          endpoints: [http://127.0.0.1:9001]
      streams:
        heartbeat: 15
      routes:
        - path: /process/stream
          run:
            upstream: chta
      """
    #expect(
      BadFile.problems(in: yaml) == [
        #"gate.yaml:2: listen[0].address: given "localhost:8004", "#
          + "allowed: 0.0.0.0:8004, [::1]:8004 or unix:/absolute/path (at most 107 bytes)",
        #"gate.yaml:5: upstreams.chat.endpoints[0]: given "ftp://orchestrator.internal", "#
          + "allowed: http[s]://host[:port] with a host name or address (IPv6 in brackets)",
        "gate.yaml:6: upstreams.chat.conect_timeout: given an unknown key, allowed: one of connect_timeout, endpoints, "
          + "first_byte_timeout, idle_timeout, keep_alive, keep_alive_connections, tcp_keepalive, tls; did you mean connect_timeout?",
        #"gate.yaml:10: streams.heartbeat: given "15", "#
          + "allowed: a time in whole milliseconds with its unit (ms, s, m, h, d) from 1s to 10m",
        #"gate.yaml:14: routes[0].run.upstream: given "chta", allowed: one of chat, search (upstreams)"#,
      ])
  }

  @Test func `a repeated key does not hide what else is wrong`() {
    let yaml = MinimalFile.yaml(
      rest: "log:\n  level: info\n  format: xml\nlog:\n  format: text\nclients:\n  a: 1\n  a: 2")
    let clientKeys =
      "body_size, body_timeout, connections, head_size, head_timeout, http2, idle_timeout, send_timeout, tcp_keepalive, "
      + "unsent_size, uri_size"
    #expect(
      BadFile.problems(in: yaml) == [
        "gate.yaml:12: log: given the key again after line 9, allowed: each key once",
        "gate.yaml:16: clients.a: given the key again after line 15, allowed: each key once",
        "gate.yaml:16: clients.a: given an unknown key, allowed: one of \(clientKeys)",
      ])
  }

  @Test func `a problem behind an alias is told where the value stands`() {
    let yaml = MinimalFile.yaml(rest: "x-times: &times\n  heartbeat: 1\nstreams: *times")
    #expect(
      BadFile.problems(in: yaml) == [
        #"gate.yaml:10: streams.heartbeat: given "1", "#
          + "allowed: a time in whole milliseconds with its unit (ms, s, m, h, d) from 1s to 10m"
      ])
  }

  @Test func `long and strange texts are cut and escaped`() {
    #expect(SettingsProblem.quoted(String(repeating: "é", count: 80)) == "\"\(String(repeating: "é", count: 80))\"")
    #expect(SettingsProblem.quoted(String(repeating: "é", count: 81)) == "\"\(String(repeating: "é", count: 80))…\"")
    #expect(SettingsProblem.quoted("a\u{1B}[31m\n\u{202E}b\u{7F}\u{85}") == #""a\u{1B}[31m\n\u{202E}b\u{7F}\u{0085}""#)
  }

  @Test func `a hundred problems are kept and the rest is counted`() throws {
    let yaml = MinimalFile.yaml(rest: (1...150).map { "unknown\($0): 1" }.joined(separator: "\n"))
    let error = try #require(throws: SettingsError.self) { try Settings.parse(yaml: yaml, file: "gate.yaml") }
    #expect(error.problems.count == 100)
    #expect(error.problems.first?.key == "unknown1")
    #expect(error.more == 50)
    #expect(error.description.split(separator: "\n").count == 101)
    #expect(error.description.hasSuffix("\nand 50 more"))
  }

  @Test func `aliases of aliases cannot grow a file beyond bounds`() {
    let levels = (1...40).map { "x-\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]" }.joined(separator: "\n")
    let problems = BadFile.problems(in: MinimalFile.yaml(rest: "x-0: &a0 [1, 1]\n\(levels)"))
    #expect(problems.count == 1)
    #expect(
      problems.first?.hasSuffix(
        "given more values than can be meant, or deeper ones, allowed: 100000 values, 32 deep, with aliases followed")
        == true)
  }

  @Test(arguments: [(32, 0), (33, 1), (900, 1), (5000, 1)])
  func `a file is 32 deep at most`(depth: Int, problems: Int) {
    let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(BadFile.problems(in: MinimalFile.yaml(rest: "x-deep: \(nested)")).count == problems)
  }

  @Test(arguments: [(20, 20), (21, 1)])
  func `twenty repeated keys are told one by one`(count: Int, problems: Int) {
    let keys = (1...count).map { "k\($0): 1, k\($0): 2" }.joined(separator: ", ")
    #expect(BadFile.problems(in: MinimalFile.yaml(rest: "x-keys: {\(keys)}")).count == problems)
  }

  @Test(
    arguments: [
      ("heartbeat", "heartbeat"), ("hartbeat", "heartbeat"), ("heartbaet", "heartbeat"), ("Heart-Beat", "heartbeat"),
      ("retrys", "retry"), ("retries", nil), ("heart", nil), ("beat", nil), ("", nil), ("retryretryretry", nil),
      (String(repeating: "h", count: 65), nil),
    ] as [(String, String?)])
  func `the key that was meant is one slip away`(word: String, meant: String?) {
    #expect(Suggestion.nearest(to: word, among: ["event_size", "heartbeat", "retry"]) == meant)
  }

  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("", "ab", 2), ("ab", "ba", 1), ("abc", "acb", 1), ("kitten", "sitting", 3),
    ("ca", "abc", 3),
  ])
  func `a slip is a letter too many, missing, wrong or swapped`(left: String, right: String, distance: Int) {
    #expect(Suggestion.distance(Array(left), Array(right)) == distance)
  }
}
