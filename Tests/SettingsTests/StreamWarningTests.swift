import Testing

@testable import Settings

@Suite struct StreamWarningTests {
  @Test(arguments: [("29999ms", false), ("30s", true)])
  func `hearts that beat too slowly for proxies`(time: String, isWarned: Bool) throws {
    #expect(
      try WarningTests.warnings(rest: "streams: {heartbeat: \(time)}")
        == (isWarned
          ? [
            "streams.heartbeat: many proxies cut a connection on which nothing came for 30s or 60s; stay well below the "
              + "shortest on the way"
          ] : []))
  }

  @Test(arguments: [("2s", true), ("{min: 2001ms, max: 3s}", true), ("{min: 2s, max: 3s}", false)])
  func `clients that all come back at once`(times: String, isWarned: Bool) throws {
    #expect(
      try WarningTests.warnings(rest: "streams: {retry: \(times)}")
        == (isWarned
          ? [
            "streams.retry: after a restart all clients come back within less than a second of each other; leave a "
              + "second or more between min and max"
          ] : []))
  }

  @Test func `failed runs that nobody takes for ended`() throws {
    #expect(
      try WarningTests.warnings(rest: "streams: {terminal_events: [completed]}") == [
        "streams.terminal_events: a run that fails ends with the gateway's own event \"error\", which is not among "
          + "them; clients that wait for one of these wait on"
      ])
    #expect(try WarningTests.warnings(rest: "streams: {terminal_events: [error]}") == [])
  }

  @Test(
    arguments: [
      (4096, 1 << 30, false), (4097, 1 << 30, true), (nil, 1, false), (100_000, nil, false), (Int.max, Int.max, true),
    ] as [(Int?, Int?, Bool)])
  func `buffers that memory cannot hold`(clients: Int?, memory: Int?, isWarned: Bool) throws {
    #expect(
      try Self.warnings(of: "streams.client_buffer", clients: clients, memory: memory)
        == (isWarned
          ? [
            "streams.client_buffer: \(clients ?? 0) clients that all lag this far hold more than the "
              + "\((memory ?? 0) >> 20) MiB of memory there are; take a smaller buffer or expect fewer clients"
          ] : []))
  }

  @Test(
    arguments: [
      (nil, 256 << 20, false), (nil, (256 << 20) - 1, true), (200, 200 << 20, false), (201, 200 << 20, true),
      (1024, 256 << 20, false), (1, 1 << 20, false), (1, (1 << 20) - 1, true), (Int.max, 255 << 20, true),
    ] as [(Int?, Int, Bool)])
  func `logs that memory cannot hold`(clients: Int?, memory: Int, isWarned: Bool) throws {
    let logs = clients.map { "the logs of \($0) clients with a run each" } ?? "the logs"
    #expect(
      try Self.warnings(of: "streams.budget", clients: clients, memory: memory)
        == (isWarned
          ? [
            "streams.budget: \(logs) may grow beyond the \(memory >> 20) MiB of memory there are; take a smaller budget"
          ] : []))
  }

  @Test(arguments: [(1024, false), (1025, true), (nil, false), (Int.max, true)] as [(Int?, Bool)])
  func `logs that the budget cuts short`(clients: Int?, isWarned: Bool) throws {
    #expect(
      try Self.warnings(of: "streams.budget", clients: clients, memory: nil)
        == (isWarned
          ? [
            "streams.budget: \(clients ?? 0) clients with a run each leave every log less than client_buffer of it, so "
              + "long answers lose their beginning, and who comes back finds a gap; take a larger budget or expect fewer "
              + "clients"
          ] : []))
  }

  @Test(arguments: [("3s", true), ("3001ms", false)])
  func `events that are gone before their client is back`(time: String, isWarned: Bool) throws {
    #expect(
      try WarningTests.warnings(rest: "streams: {log: {age: \(time)}}")
        == (isWarned
          ? [
            "streams.log.age: a client whose connection drops comes back after up to 3s (streams.retry), and what it "
              + "missed is gone by then; keep events for some minutes"
          ] : []))
  }

  @Test func `finished runs that nobody can join`() throws {
    #expect(
      try WarningTests.warnings(rest: "streams: {keep_finished: 0s}") == [
        "streams.keep_finished: who loads a page again after its run has finished loses the text, and a client that "
          + "comes back is told that nobody knows its run; keep runs for some minutes"
      ])
  }

  @Test(arguments: [("1ms", true), ("3s", true), ("3001ms", false)])
  func `finished runs that are forgotten before their client is back`(time: String, isWarned: Bool) throws {
    #expect(
      try WarningTests.warnings(rest: "streams: {keep_finished: \(time)}")
        == (isWarned
          ? [
            "streams.keep_finished: a client whose connection drops comes back after up to 3s (streams.retry), and a "
              + "run that finished meanwhile is forgotten by then; keep runs for some minutes"
          ] : []))
  }

  @Test func `warnings about streams come in the order of their keys`() throws {
    let surroundings = Surroundings(clients: 5000, memoryBytes: 1 << 20, openFiles: nil, stopTimeout: .seconds(90))
    let rest = "{terminal_events: [a], retry: 1s, keep_finished: 0s, log: {age: 1s}, heartbeat: 30s}"
    #expect(
      try WarningTests.warnings(rest: "streams: \(rest)", in: surroundings).map { $0.prefix { $0 != ":" } } == [
        "streams.client_buffer", "streams.log.age", "streams.budget", "streams.keep_finished", "streams.heartbeat",
        "streams.retry", "streams.terminal_events", "memory.budget",
      ])
  }
}

extension StreamWarningTests {
  /// What is said about one key.
  static func warnings(of key: String, clients: Int?, memory: Int?) throws -> [String] {
    let surroundings = Surroundings(
      clients: clients, memoryBytes: memory, openFiles: nil, stopTimeout: .seconds(90))
    return try WarningTests.warnings(in: surroundings).filter { $0.hasPrefix("\(key):") }
  }
}
