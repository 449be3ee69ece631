import Gateway
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct AttachTests {
  @Test func `a GET is answered before the orchestrator says anything, and becomes one POST`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.get("message=What%27s+2%2B2%3F&tag=a&tag=b&last_event_id=x")
    let head = try client.read(through: "\r\n\r\n")
    #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(head.contains("Content-Type: text/event-stream; charset=utf-8\r\n"))
    #expect(head.contains("Cache-Control: no-cache, no-transform\r\n"))
    #expect(head.contains("X-Accel-Buffering: no\r\n"))
    let run = try #require(head.firstMatch(of: /Sluice-Run: ([a-z2-7]{26})\r\n/)).1
    #expect(try client.read(through: "\n\n\r\n").contains("\nid: \(run).0\n\n\r\n"))

    let upstream = try orchestrator.accept()
    let request = try upstream.readRequest()
    #expect(request.head.hasPrefix("POST /run HTTP/1.1\r\nHost: 127.0.0.1:\(orchestrator.port)\r\n"))
    #expect(request.head.contains("Content-Type: application/json\r\n"))
    #expect(request.body == #"{"message":"What's 2+2?","tag":["a","b"]}"#)

    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: {\"event\":\"completed\"}\n\n")
    try upstream.sendLastChunk()
    #expect(try client.read(through: "0\r\n\r\n").contains("data: {\"event\":\"completed\"}\nid: \(run).1\n\n"))
    gateway.stop()
    let line = gateway.log.wait(for: "request")
    #expect(line.values["events"] == "1" && line.values["reason"] == "completed" && line.values["run"] == "\(run)")
  }

  @Test func `a POST client gets the orchestrator's own refusal while its answer is held`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], answerAfter: .seconds(15))
    let client = try gateway.post()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(
      "HTTP/1.1 422 X\r\nContent-Type: application/json\r\nX-Secret: 1\r\nContent-Length: 15\r\n\r\n{\"detail\":\"no\"}"
    )
    let answer = try client.read(through: "{\"detail\":\"no\"}")
    #expect(answer.hasPrefix("HTTP/1.1 422 Unprocessable Content\r\nContent-Type: application/json\r\n"))
    #expect(!answer.contains("X-Secret"))
    gateway.stop()
  }

  @Test func `an EventSource gets it as an event, since it shows its page no status`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
    let answer = try client.read(through: "0\r\n\r\n")
    #expect(answer.contains(#"data: {"event":"error","source":"gateway","reason":"upstream_status","status":503}"#))
    gateway.stop()
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n", "upstream_closed"),
    ("", "upstream_closed"),
    ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi", "upstream_protocol"),
    ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", "upstream_protocol"),
    ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "upstream_protocol"),
    ("SSH-2.0-OpenSSH\r\n", "upstream_protocol"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "upstream_protocol"),
    ("HTTP/1.1 200 OK\r\n\r\ndata: \(String(repeating: "x", count: 140_000))\n\n", "event_too_large"),
  ]) func `whatever an orchestrator does wrong, the run ends in one error event`(answer: String, reason: String) throws
  {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(answer)
    upstream.endWrites()
    let body = try client.read(through: "0\r\n\r\n")
    #expect(body.contains(#"data: {"event":"error","source":"gateway","reason":"\#(reason)"}"#))
    #expect(body.components(of: "\"event\":\"error\"") == 1)
    gateway.stop()
  }

  @Test func `an upstream that can't be reached ends the run, and the next endpoint is tried before`() throws {
    let orchestrator = try TestOrchestrator()
    let dead = try TestOrchestrator(isListening: false)
    let gateway = try TestGateway(upstream: [dead.port, orchestrator.port])
    for _ in 0..<2 {
      let client = try gateway.get()
      let upstream = try orchestrator.accept()
      _ = try upstream.readRequest()
      try upstream.send("HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")
      #expect(try client.read(through: "0\r\n\r\n").contains("data: [DONE]\n"))
    }
    gateway.stop()

    let alone = try TestGateway(upstream: [dead.port])
    #expect(try alone.get().read(through: "0\r\n\r\n").contains(#""reason":"upstream_unreachable""#))
    alone.stop()
  }

  @Test func `what comes after the terminal event is not passed on`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("event: completed\ndata: 1\n\ndata: 2\n\nevent: error\ndata: 3\n\n")
    let body = try client.read(through: "0\r\n\r\n")
    #expect(body.contains("event: completed\ndata: 1\n"))
    #expect(!body.contains("data: 2") && !body.contains("data: 3"))
    gateway.stop()
  }

  @Test func `a client that leaves ends the orchestrator's request, before its answer and within it`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    for (step, leavesByReset) in [(0, false), (0, true), (1, false), (1, true)] {
      let client = try gateway.get()
      let upstream = try orchestrator.accept()
      _ = try upstream.readRequest()
      if step == 1 {
        try upstream.send(TestSocket.eventStream)
        try upstream.sendChunk("data: 1\n\n")
        _ = try client.read(through: "data: 1\n")
      }
      if leavesByReset { client.reset() } else { client.endWrites() }
      try upstream.waitForEnd()
    }
    let reasons = (1...4).map { gateway.log.wait(for: "request", number: $0).values["reason"] ?? "" }
    #expect(reasons.allSatisfy { ["client_closed", "client_reset"].contains($0) })
    gateway.stop()
  }
}

extension String {
  /// How often a text occurs.
  func components(of part: String) -> Int { ranges(of: part).count }
}
