import Gateway
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct UpstreamTests {
  private let refusal = "HTTP/1.1 422 X\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n"

  /// Two requests in one piece: the second begins within the end of the first.
  private func pipeline(_ gateway: TestGateway) throws -> TestSocket {
    let client = try gateway.connect()
    for name in ["first", "second"] {
      try client.send(
        "POST \(TestGateway.path) HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"a\":\"\(name.prefix(4))\"}")
    }
    return client
  }

  @Test(arguments: [
    "HTTP/1.1 304 X\r\n\r\n", "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 500 X\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ]) func `bytes behind an answer never become the answer of the next request`(answer: String) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], answerAfter: .seconds(15))
    let client = try pipeline(gateway)
    let first = try orchestrator.accept()
    _ = try first.readRequest()
    try first.send(answer + "HTTP/1.1 418 X\r\nContent-Length: 6\r\n\r\nforged")
    // The second request has a connection of its own, and its own answer.
    let second = try orchestrator.accept()
    _ = try second.readRequest()
    try second.send(refusal + "2")
    let answers = try client.read(through: "\r\n\r\n2")
    #expect(answers.contains("422") && !answers.contains("418") && !answers.contains("forged"))
    try first.waitForEnd()
    gateway.stop()
  }

  @Test func `a connection whose answer is whole is used again`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], answerAfter: .seconds(15))
    let client = try pipeline(gateway)
    let upstream = try orchestrator.accept()
    for number in 1...2 {
      _ = try upstream.readRequest()
      try upstream.send(refusal + "\(number)")
      _ = try client.read(through: "\r\n\r\n\(number)")
    }
    #expect(orchestrator.isUntouched)
    gateway.stop()
  }

  @Test func `what clients claim about themselves does not reach an orchestrator`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let claims = [
      "Cookie: a=b", "Authorization: x", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-User: admin", "X_Forwarded_For: 6",
      "Forwarded: for=6.6.6.6", "Connection: X-Secret", "X-Secret: 1", "Range: bytes=0-", "TE: trailers",
    ]
    let client = try gateway.get(fields: claims.joined(separator: "\r\n") + "\r\nX-Kept: yes\r\n")
    let head = try orchestrator.accept().readRequest().head
    #expect(head.contains("X-Kept: yes") && head.contains("X-Forwarded-For: 127.0.0.1\r\n"))
    for word in ["Cookie", "Authorization", "6.6.6.6", "admin", "X_", "X-Secret", "Range", "TE:"] {
      #expect(!head.contains(word))
    }
    _ = try client.read(through: "\n\n")
    gateway.stop()
  }

  @Test func `a refusal whose body is late is still told with its status`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], answerAfter: .seconds(15))
    let client = try gateway.post()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    // The body never comes: the client is told what is known.
    try upstream.send(refusal)
    #expect(try client.read(through: "0\r\n\r\n").contains(#""reason":"upstream_status","status":422}"#))
    gateway.stop()
  }
}
