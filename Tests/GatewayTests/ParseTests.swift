import Gateway
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct ParseTests {
  private func limits(
    head: Duration = .seconds(10), body: Duration = .seconds(10), idle: Duration = .seconds(60)
  ) -> ClientSettings {
    ClientSettings(
      headTimeout: head, bodyTimeout: body, idleTimeout: idle, sendTimeout: .seconds(60), headSizeBytes: 2048,
      uriSizeBytes: 1024, bodySizeBytes: 4096)
  }

  @Test func `requests that come in one piece are answered in order on one connection`() throws {
    let gateway = try TestGateway(upstream: [1])
    let client = try gateway.connect()
    let one = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    try client.send(one + one + one + "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    let answers = try client.readToEnd()
    #expect(answers.components(of: "HTTP/1.1 404 Not Found") == 4)
    #expect(answers.contains("no route for path \\\"/b\\\""))
    gateway.stop()
  }

  @Test func `a client that sends on and on while it is answered is held back, and its end still seen`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], clients: limits())
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    // Far more than a head's worth, less than the sockets hold.
    try client.send(String(repeating: "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", count: 3000))
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: 1\n\n")
    _ = try client.read(through: "data: 1\n")
    client.endWrites()
    try upstream.waitForEnd()
    #expect(gateway.log.wait(for: "request").values["reason"] == "client_closed")
    gateway.stop()
  }

  @Test func `a client that sends on and on and then resets is noticed at once`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], clients: limits())
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try client.send(String(repeating: "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", count: 3000))
    client.reset()
    try upstream.waitForEnd()
    #expect(gateway.log.wait(for: "request").values["reason"] == "client_reset")
    gateway.stop()
  }

  @Test func `a request byte by byte is the same request`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.connect()
    let body = #"{"message":"hi"}"#
    for byte in "POST \(TestGateway.path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8
    {
      try client.send([byte])
    }
    let upstream = try orchestrator.accept()
    #expect(try upstream.readRequest().body == body)
    gateway.stop()
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", 400, "the host field is missing"),
    ("GET /\(String(repeating: "u", count: 1100)) HTTP/1.1\r\n\r\n", 414, "clients.uri_size"),
    ("GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "h", count: 3000))\r\n\r\n", 431, "clients.head_size"),
    ("POST /process/stream HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n", 413, "clients.body_size"),
    (
      "POST /process/stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n"
        + String(repeating: "b", count: 4097), 413, "clients.body_size"
    ),
    ("POST /process/stream HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417, "100-continue"),
  ]) func `a request beyond a bound is refused with its name, and the connection closed`(
    _ request: String, status: Int, names: String
  ) throws {
    let gateway = try TestGateway(upstream: [1], clients: limits())
    let client = try gateway.connect()
    try client.send(request)
    let answer = try client.readToEnd()
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(answer.contains(names) && answer.contains("Connection: close"))
    gateway.stop()
    #expect(gateway.log.wait(for: "request").values["reason"] == "bad_request")
  }

  @Test func `a body at the bound is taken, and is asked for where the client waits`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], clients: limits())
    let body = "{\(String(repeating: " ", count: 4094))}"
    let client = try gateway.connect()
    try client.send(
      "POST \(TestGateway.path) HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4096\r\n\r\n")
    #expect(try client.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
    try client.send(body)
    #expect(try orchestrator.accept().readRequest().body == body)
    gateway.stop()
  }

  /// The answer to a request that is begun and never ended.
  ///
  /// Where this thread is held up before it has begun, the connection is closed as a silent one: it is begun anew.
  private func answer(to beginning: String, _ gateway: TestGateway) throws -> String {
    for _ in 0..<50 {
      let client = try gateway.connect()
      do { try client.send(beginning) } catch is TestSocket.Closed { continue }
      let answer = try client.readToEnd()
      if !answer.isEmpty { return answer }
    }
    return ""
  }

  @Test func `a head or body that does not come is refused in time`() throws {
    let gateway = try TestGateway(upstream: [1], clients: limits(head: .milliseconds(100), body: .milliseconds(100)))
    let silent = try gateway.connect()
    #expect(try silent.readToEnd() == "")
    #expect(try answer(to: "GET / HTT", gateway).hasPrefix("HTTP/1.1 408 "))
    let answer = try answer(to: "POST \(TestGateway.path) HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", gateway)
    #expect(answer.hasPrefix("HTTP/1.1 408 ") && answer.contains("clients.body_timeout"))
    gateway.stop()
  }

  @Test func `an unused connection is closed after clients.idle_timeout`() throws {
    let gateway = try TestGateway(upstream: [1], clients: limits(idle: .milliseconds(100)))
    let client = try gateway.connect()
    try client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(try client.readToEnd().hasPrefix("HTTP/1.1 404 "))
    gateway.stop()
  }

  @Test func `a HEAD gets the head without a run`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.connect()
    try client.send("HEAD \(TestGateway.path)?message=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    let answer = try client.readToEnd()
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"))
    #expect(answer.hasSuffix("\r\n\r\n"))
    gateway.stop()
    #expect(orchestrator.isUntouched)
  }

  @Test func `HTTP 1.0 gets a stream that the connection's end delimits`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.connect()
    try client.send("GET \(TestGateway.path) HTTP/1.0\r\n\r\n")
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send("HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")
    let answer = try client.readToEnd()
    #expect(!answer.contains("Transfer-Encoding"))
    #expect(answer.contains("\r\n\r\nretry: ") && answer.contains("data: [DONE]\nid: "))
    gateway.stop()
  }
}
