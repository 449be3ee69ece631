import Testing

@testable import Load

@Suite struct LoadOptionsTests {
  private func plan(
    _ urls: [String] = ["http://127.0.0.1:8004/x"], files: [String: String] = [:], _ change: (inout LoadOptions) -> Void
  ) throws -> Plan {
    var options = LoadOptions()
    options.urls = urls
    change(&options)
    return try options.plan { option, file throws(LoadError) in
      guard let text = files[file] else { throw .unreadable(option: option, file: file, words: "no such file") }
      return Array(text.utf8)
    }
  }

  @Test func `a body makes it a chat by POST, no body a subscription by GET`() throws {
    let chat = try plan { $0.body = "{}" }
    #expect(chat.mode == .chat && chat.request.method == .post && chat.interest.terminals.count == 2)
    let held = try plan { _ in }
    #expect(held.mode == .subscribe && held.request.method == .get && held.interest.terminals.isEmpty)
    #expect(held.times.duration == .seconds(10))
    #expect(try plan { $0.requests = "5" }.times.duration == nil)
  }

  @Test func `hosts come from the URLs or from the domains' template`() throws {
    let own = try plan(["http://A.test:81/", "http://b.test/", "http://[::1]:9/"]) { _ in }
    #expect(own.domains.map(\.name) == ["a.test", "b.test", "[::1]"])
    #expect(
      (0..<3).map { own.host(of: own.assignment(of: $0).domain, at: own.assignment(of: $0).target) }
        == ["a.test:81", "b.test", "[::1]:9"])
    let varied = try plan { $0.domains = "3" }
    #expect(varied.domains.map(\.name) == ["d1.example.test", "d2.example.test", "d3.example.test"])
    #expect(varied.host(of: 1, at: 0) == "d2.example.test:8004")
    let named = try plan { $0.domainTemplate = "App.test:443" }
    #expect(named.host(of: 0, at: 0) == "app.test:443" && named.domains[0].name == "app.test")
  }

  @Test func `bodies and fields are read from files`() throws {
    let made = try plan(files: ["b": "{\"a\":1}\n\n{\"a\":2}\r\n", "h": "X-A: 1\nX-B: {n}\n"]) { options in
      options.bodyLines = "b"
      options.headerFile = "h"
      options.headers = ["X-C: 3"]
    }
    #expect(made.request.bodies == [Template("{\"a\":1}"), Template("{\"a\":2}")])
    #expect(made.request.fields.map(\.name).prefix(3) == ["X-C", "X-A", "X-B"])
    #expect(throws: LoadError.unreadable(option: "--body-file", file: "q", words: "no such file")) {
      try plan { $0.bodyFile = "q" }
    }
  }

  @Test func `source addresses are listed or given as ranges`() throws {
    let made = try plan { $0.source = "127.0.0.254-127.0.1.1,127.0.9.9" }
    #expect(made.clientNames == ["127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1", "127.0.9.9"])
    #expect(try plan { $0.source = "::1" }.clientNames == ["::1"])
  }

  @Test func `an https URL is refused with the reason`() {
    #expect {
      try plan(["https://a.test/"]) { _ in }
    } throws: { error in
      "\(error)".contains("https is not spoken yet")
    }
  }

  /// What is set, and the option that must be named.
  nonisolated(unsafe) private static let wrong: [(String, (inout LoadOptions) -> Void)] = [
    ("URL", { $0.urls = [] }), ("URL", { $0.urls = ["ftp://a/"] }), ("URL", { $0.urls = ["http://a:0/"] }),
    ("URL", { $0.urls = ["http://u@a/"] }), ("URL", { $0.urls = ["http:///x"] }),
    ("URL", { $0.urls = ["http://a/#f"] }),
    ("URL", { $0.urls = ["http://a/ b"] }), ("--connections", { $0.connections = "0" }),
    ("--connections", { $0.connections = "1e3" }), ("--rate", { $0.rate = "0" }), ("--rate", { $0.rate = "5/h" }),
    ("--ramp", { $0.ramp = "5" }),
    (
      "--ramp",
      { options in
        options.ramp = "5s"
        options.rate = "5"
      }
    ), ("--duration", { $0.duration = "0" }), ("--duration", { $0.duration = "10" }),
    (
      "--duration",
      { options in
        options.connections = "100"
        options.rate = "1"
      }
    ), ("--requests", { $0.requests = "0" }), ("--in-flight", { $0.inFlight = "0" }),
    ("--method", { $0.method = "DELETE" }),
    (
      "--method",
      { options in
        options.method = "GET"
        options.body = "x"
      }
    ),
    (
      "--body-file",
      { options in
        options.body = "x"
        options.bodyFile = "y"
      }
    ), ("--header", { $0.headers = ["no colon"] }), ("--header", { $0.headers = ["Host: a"] }),
    ("--header", { $0.headers = ["A b: c"] }), ("--header", { $0.headers = ["A: b\r\nC: d"] }),
    ("--header", { $0.headers = ["Content-Length: 5"] }), ("--domains", { $0.domains = "0" }),
    (
      "--domain-template",
      { options in
        options.domains = "2"
        options.domainTemplate = "same.test"
      }
    ), ("--domain-template", { $0.domainTemplate = "a b" }), ("--source", { $0.source = "localhost" }),
    ("--source", { $0.source = "127.0.0.9-127.0.0.1" }), ("--source", { $0.source = "10.0.0.0-10.255.0.0" }),
    ("--mode", { $0.mode = "talk" }), ("--think", { $0.think = "1s" }), ("--terminal", { $0.terminals = ["x"] }),
    ("--terminal-field", { $0.terminalField = "x" }), ("--reconnect-delay", { $0.reconnectDelay = "1s" }),
    ("--backoff", { $0.backoff = "soon" }), ("--timeout", { $0.timeout = "0" }), ("--slow", { $0.slow = "10" }),
    ("--slow", { $0.slow = "101%" }),
    (
      "--slow",
      { options in
        options.slow = "60%"
        options.halfOpen = "60%"
      }
    ), ("--slow-rate", { $0.slowRate = "1KiB/s" }),
    (
      "--slow-rate",
      { options in
        options.slow = "5%"
        options.slowRate = "1KiB"
      }
    ), ("--half-open", { $0.halfOpen = "x%" }), ("--timestamp-unit", { $0.timestampUnit = "ms" }),
    (
      "--timestamp-unit",
      { options in
        options.timestampField = "t"
        options.timestampUnit = "days"
      }
    ), ("--timestamp-clock", { $0.timestampClock = "wall" }), ("--threads", { $0.threads = "0" }),
    ("--threads", { $0.threads = "2" }), ("--seed", { $0.seed = "-1" }),
    ("--expect", { $0.expectations = ["event p99<1s"] }),
  ]

  @Test(arguments: wrong.indices) func `a wrong value is refused with its option`(index: Int) {
    let (option, change) = Self.wrong[index]
    #expect {
      try plan { change(&$0) }
    } throws: { error in
      guard case .usage(option, _, let allowed)? = error as? LoadError else { return false }
      return !allowed.isEmpty
    }
  }
}
