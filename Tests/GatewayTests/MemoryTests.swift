import Admission
import Settings
import Testing

@testable import Gateway

/// A gateway with little memory: budgets here are smaller than a file may have them.
@Suite(.timeLimit(.minutes(2))) struct MemoryTests {
  private func start(
    _ orchestrator: TestOrchestrator, budget: Int, workers: Int = 1, onAbandoned: OnAbandoned = .cancel,
    _ change: @escaping (inout Settings) -> Void = { _ in }
  ) throws -> TestGateway {
    try TestGateway(upstream: [orchestrator.port], onAbandoned: onAbandoned, workers: workers) { settings in
      settings.memory.budget = .bytes(budget)
      settings.listen.append(ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 0)))
      settings.listen[1].isAdmin = true
      change(&settings)
    }
  }

  /// A run that has begun, or its refusal.
  private func begin(_ gateway: TestGateway, _ orchestrator: TestOrchestrator) throws -> (TestSocket, TestSocket)? {
    let client = try gateway.get()
    guard try client.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 ") else {
      try client.waitForEnd()
      return nil
    }
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    return (client, upstream)
  }

  @Test(arguments: [1, 4]) func `as many as fit are admitted, one more is refused, and one that ends makes room`(
    workers: Int
  ) throws {
    let orchestrator = try TestOrchestrator()
    let budget = 256 * 1024
    let gateway = try start(orchestrator, budget: budget, workers: workers)
    let figures = try Figures(gateway)
    var runs: [(client: TestSocket, upstream: TestSocket)] = []
    while let run = try begin(gateway, orchestrator) { runs.append(run) }
    // A run costs about 9 KiB.
    #expect((10...30).contains(runs.count), "\(runs.count)")
    let bound = budget - budget / 16
    try figures.wait { $0 <= bound }
    let full = try figures.held()
    #expect(full + 12 * 1024 > bound, "\(full) of \(bound)")

    let refused = try gateway.get()
    let answer = try refused.readToEnd()
    #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Content-Type: application/problem+json\r\n"))
    #expect(answer.contains(#""limit":"memory.budget","bound":"256KiB""#) && answer.contains("(memory.budget)"))
    #expect(answer.firstMatch(of: /\r\nRetry-After: [1-5]\r\n/) != nil)
    let line = gateway.log.wait(for: "request")
    #expect(line.values["reason"] == "memory_budget" && line.values["limit"] == "memory.budget")
    #expect(gateway.log.wait(for: "memory_short").values["memory.budget"] == "\(budget)")
    #expect(try figures.read()["sluice_memory_refused_total"] == 2)
    #expect(try figures.read()["sluice_requests_total{reason=\"memory_budget\"}"] == 2)

    let left = runs.removeLast()
    left.client.reset()
    try left.upstream.waitForEnd()
    try figures.wait { $0 < full - 3000 }
    let next = try #require(try begin(gateway, orchestrator))
    #expect(try begin(gateway, orchestrator) == nil)
    // Those who are here notice nothing.
    for run in runs + [next] {
      try run.1.sendChunk("data: [DONE]\n\n")
      _ = try run.0.read(through: "data: [DONE]\n")
    }
    gateway.stop()
  }

  @Test(arguments: [1, 4]) func `finished runs give way, the oldest first, before anybody is refused`(
    workers: Int
  ) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try start(orchestrator, budget: 1024 * 1024, workers: workers)
    let (client, upstream) = try #require(try begin(gateway, orchestrator))
    try upstream.sendChunk("data: 1\n\n")
    let beginning = try client.read(through: "data: 1\n")
    let id = try #require(beginning.firstMatch(of: /id: ([a-z2-7]{26})\.0\n/)).1
    var ids: [String] = []
    let text = String(repeating: "x", count: 30_000)
    for number in 0..<100 {
      let (reader, source) = try #require(try begin(gateway, orchestrator), "\(number)")
      try source.sendChunk("data: \(text)\n\ndata: [DONE]\n\n")
      let body = try reader.read(through: "0\r\n\r\n")
      ids.append(String(try #require(body.firstMatch(of: /id: ([a-z2-7]{26})\.0\n/)).1))
    }
    func isKnown(_ id: String) throws -> Bool {
      let reader = try gateway.connect()
      try reader.send("HEAD /_sluice/runs/\(id) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      return try reader.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 ")
    }
    #expect(try !isKnown(ids[0]) && isKnown(ids[99]) && isKnown(String(id)))
    try upstream.sendChunk("data: 2\n\ndata: [DONE]\n\n")
    #expect(try client.read(through: "data: [DONE]\n").contains("data: 2\n"))
    gateway.stop()
  }

  @Test(arguments: [1, 4]) func `where nothing is left nobody is accepted until there is room`(workers: Int) throws {
    // The seventh is beyond the budget, and nothing is left for more.
    let gateway = try start(TestOrchestrator(), budget: 6 * MemoryCost.connection, workers: workers)
    let line = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    let clients = try (1...7).map { _ in
      let client = try gateway.connect()
      try client.send(line)
      #expect(try client.read(through: "}\n").hasPrefix("HTTP/1.1 404 "))
      return client
    }
    let late = try gateway.connect()
    try late.send(line)
    #expect(gateway.log.wait(for: "memory_short").values["held"] == "\(7 * MemoryCost.connection)")
    // Those who are here are served.
    try clients[6].send(line)
    #expect(try clients[6].read(through: "}\n").hasPrefix("HTTP/1.1 404 "))
    #expect(late.isQuiet)
    clients[0].reset()
    #expect(try late.read(through: "}\n").hasPrefix("HTTP/1.1 404 "))
    gateway.stop()
  }

  @Test func `an EventSource may be told by an event, a POST gets the status`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try start(orchestrator, budget: 4 * 1024) { $0.routes[0].refusal = .stream }
    let answer = try gateway.get().readToEnd()
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.contains("Content-Type: text/event-stream"))
    #expect(
      answer.contains("event: sluice.busy\ndata: {\"limit\":\"memory.budget\",\"bound\":\"4KiB\",\"retry_after\":"))
    #expect(answer.firstMatch(of: /\r\n\r\nretry: [1-5][0-9]{3}\n/) != nil)
    #expect(try gateway.post().readToEnd().hasPrefix("HTTP/1.1 503 "))
    #expect(orchestrator.isUntouched)
    gateway.stop()
  }

  @Test func `a body counts from its announcement on, and one without as it grows`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try start(orchestrator, budget: 512 * 1024)
    let figures = try Figures(gateway)
    let line = "POST \(TestGateway.path) HTTP/1.1\r\nHost: localhost\r\n"
    let announcing = try gateway.connect()
    try announcing.send("\(line)Content-Length: 500000\r\nExpect: 100-continue\r\n\r\n")
    #expect(try announcing.readToEnd().hasPrefix("HTTP/1.1 503 "))
    let fitting = try gateway.connect()
    try fitting.send("\(line)Content-Length: 300000\r\nExpect: 100-continue\r\n\r\n")
    #expect(try fitting.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
    #expect(try (300_000..<310_000).contains(#require(figures.read()["sluice_memory_bytes{kind=\"requests\"}"])))
    let growing = try gateway.connect()
    try growing.send("\(line)Transfer-Encoding: chunked\r\n\r\n")
    let piece = TestSocket.chunk(String(repeating: " ", count: 10_000))
    // What is sent behind the answer may end in a reset.
    do { for _ in 0..<30 { try growing.send(piece) } } catch is TestSocket.Closed {}
    #expect(try growing.read(through: "memory.budget").hasPrefix("HTTP/1.1 503 "))
    growing.reset()
    // The body that fits is passed on, and nothing is left of it.
    try fitting.send("{" + String(repeating: " ", count: 299_998) + "}")
    let upstream = try orchestrator.accept()
    #expect(try upstream.readRequest().body.utf8.count == 300_000)
    try figures.wait { $0 < 20 * 1024 }
    gateway.stop()
  }

  @Test func `what is held is given back, to the byte`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try start(orchestrator, budget: 64 << 20, workers: 2) { settings in
      settings.streams.keepFinished = .zero
      settings.upstreams["chat"]?.keepAlive = .zero
    }
    let figures = try Figures(gateway)
    try figures.wait { $0 == MemoryCost.connection }
    for _ in 0..<20 {
      let (client, upstream) = try #require(try begin(gateway, orchestrator))
      try upstream.sendChunk("data: half")
      try gateway.connect().send("POST \(TestGateway.path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
      try upstream.sendChunk(" an event\n\ndata: [DONE]\n\n")
      _ = try client.read(through: "0\r\n\r\n")
    }
    try figures.wait { $0 == MemoryCost.connection }
    let read = try figures.read()
    for kind in ["logs", "requests", "answers", "upstreams"] {
      #expect(read["sluice_memory_bytes{kind=\"\(kind)\"}"] == 0, "\(kind)")
    }
    #expect(read["sluice_memory_bytes{kind=\"connections\"}"] == MemoryCost.connection, "that of the one who asks")
    #expect(read["sluice_memory_connections{kind=\"client\"}"] == 1)
    #expect(read["sluice_memory_connections{kind=\"upstream\"}"] == 0)
    #expect(read["sluice_memory_budget_bytes"] == 64 << 20)
    gateway.stop()
  }
}

/// What an operator reads of a gateway.
private final class Figures {
  private let client: TestSocket

  init(_ gateway: TestGateway) throws {
    client = try TestSocket(port: gateway.gateway.addresses[1].port)
  }

  /// Every figure by its name and labels.
  func read() throws -> [String: Int] {
    try client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let head = try client.read(through: "\r\n\r\n")
    let length = try #require(head.firstMatch(of: /Content-Length: ([0-9]+)/).flatMap { Int($0.1) })
    var figures: [String: Int] = [:]
    for line in try client.read(count: length).split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ")
      figures[String(words[0])] = Int(words[1])
    }
    return figures
  }

  /// What is held of the budget.
  func held() throws -> Int {
    try read().filter { $0.key.hasPrefix("sluice_memory_bytes{") }.values.reduce(0, +)
  }

  /// Waits until what is held is as expected: a connection's end comes a moment after its last byte.
  func wait(until isExpected: (Int) -> Bool) throws {
    var bytes = 0
    for _ in 0..<20_000 {
      bytes = try held()
      if isExpected(bytes) { return }
    }
    Issue.record("\(bytes) bytes are held: \(try read().filter { $0.key.hasPrefix("sluice_memory_") })")
  }
}
