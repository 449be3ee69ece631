import Admission
import COpenSSL
import Crypto
import Gateway
import Settings
import Support
import Testing

@Suite(.timeLimit(.minutes(2))) struct TLSTests {
  @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
  func `a run goes through TLS, and the orchestrator is told so`(version: Int32) throws {
    let gateway = try TLSTestGateway { _ in
    } changing: {
      $0.listen[0].strictTransport = .seconds(3600)
    }
    let client = try gateway.get { $0.version = version }
    let upstream = try gateway.orchestrator.accept()
    #expect(try upstream.readRequest().head.contains("X-Forwarded-Proto: https\r\n"))
    try upstream.send("HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")
    let answer = try client.read(through: "0\r\n\r\n")
    #expect(answer.contains("Strict-Transport-Security: max-age=3600\r\n") && answer.contains("data: [DONE]\n"))
    // The connection stays for more.
    try client.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try client.read(through: "}\n").hasPrefix("HTTP/1.1 404 "))
    gateway.stop()
    #expect(try client.readToEnd() == "", "the end is told")
  }

  /// Several records on the way in, and an answer of many on the way out.
  @Test func `a large body comes in whole, and a last answer ends with the alert`() throws {
    let gateway = try TLSTestGateway()
    let client = try gateway.connect()
    let text = String(repeating: "0123456789abcdef", count: 20_000)
    let body = "{\"message\":\"\(text)\"}"
    try client.send(
      "POST \(TestGateway.path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    let upstream = try gateway.orchestrator.accept()
    #expect(try upstream.readRequest().body == body)
    try upstream.send("HTTP/1.1 200 OK\r\n\r\ndata: \(text.prefix(100_000))\n\ndata: [DONE]\n\n")
    let answer = try client.readToEnd()
    #expect(answer.hasSuffix("0\r\n\r\n") && answer.filter { $0 == "f" }.count > 6000)
    gateway.stop()
  }

  /// The socket is full again and again, so records are left over, and the pump has other bytes when it goes on.
  @Test(arguments: [1 as UInt64, 2, 3])
  func `a slow reader gets every byte once`(seed: UInt64) throws {
    var streams = StreamSettings.default
    streams.clientBufferBytes = 8 << 20
    streams.log.bytes = 16 << 20
    let gateway = try TLSTestGateway(streams: streams)
    let client = try gateway.get { $0.receiveBuffer = 4096 }
    let upstream = try gateway.orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    var random = SplitMix(seed)
    let texts = (0..<300).map { number in
      "\(number) " + String(repeating: "x", count: Int.random(in: 0...20_000, using: &random))
    }
    for text in texts { try upstream.sendChunk("data: \(text)\n\n") }
    try upstream.sendChunk("data: [DONE]\n\n")
    _ = try client.read(through: "\r\n\r\n")
    let body = Array(try client.read(through: "\r\n0\r\n\r\n").utf8)
    let events = String(decoding: try #require(ChunkedBody.decode(body[...])), as: UTF8.self)
    let received = events.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    #expect(received == texts + ["[DONE]"])
    gateway.stop()
  }

  @Test func `a host gets its own certificate`() throws {
    let gateway = try TLSTestGateway(names: ["DNS:localhost", "DNS:*.b.example", "DNS:c.example"])
    for host in ["localhost", "x.b.example", "c.example"] {
      _ = try gateway.connect { $0.host = host }
    }
    #expect(throws: TestTLSClient.Refused.self) { try gateway.connect { $0.host = "y.x.b.example" } }
    gateway.stop()
  }

  @Test func `who must show a certificate and has none is turned away`() throws {
    let trusted = try TestAuthority("of clients")
    let gateway = try TLSTestGateway { $0.clientAuthorities = try TLSAuthorities(Array(trusted.pem.utf8).span) }
    let mine = try trusted.issue("DNS:me")
    let client = try gateway.connect { $0.certificate = mine }
    try client.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try client.read(through: "\r\n").hasPrefix("HTTP/1.1 404 "))
    // With TLS 1.3 the client learns it only when it reads.
    #expect(throws: TestTLSClient.Refused.self) { try gateway.connect().read(through: "\r\n") }
    #expect(gateway.waitForHandshakes(.failed).values["detail"] == "peer did not return a certificate")
    gateway.stop()
  }

  @Test func `a session goes on with its ticket, on any worker`() throws {
    let gateway = try TLSTestGateway(workers: 4)
    let first = try gateway.connect()
    try first.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _ = try first.read(through: "}\n")
    let session = first.session
    defer { SSL_SESSION_free(session) }
    #expect(!first.isResumed)
    for _ in 0..<8 { #expect(try gateway.connect { $0.session = session }.isResumed) }
    gateway.stop()
  }

  @Test func `without tickets each connection begins anew`() throws {
    let gateway = try TLSTestGateway { $0.ticketRotation = .zero }
    let first = try gateway.connect { $0.version = TLS1_2_VERSION }
    let session = first.session
    defer { SSL_SESSION_free(session) }
    #expect(
      try !gateway.connect {
        $0.version = TLS1_2_VERSION
        $0.session = session
      }.isResumed)
    gateway.stop()
  }

  /// A connection moves between request and answer; what is sealed for it stays in order.
  @Test func `a run is joined from any worker`() throws {
    let gateway = try TLSTestGateway(workers: 4)
    let first = try gateway.get()
    let upstream = try gateway.orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: one\n\n")
    let head = try first.read(through: "data: one\n")
    let run = try #require(head.split(separator: "\r\n").first { $0.hasPrefix("Sluice-Run: ") }).dropFirst(12)
    let others = try (0..<12).map { _ in
      let other = try gateway.connect()
      // The first request is served where the client came in, the second where its run lives.
      try other.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try other.read(through: "}\n")
      try other.send("GET /_sluice/runs/\(run) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      return other
    }
    for other in others { #expect(try other.read(through: "data: one\n").contains(run)) }
    try upstream.sendChunk("data: [DONE]\n\n")
    for client in [first] + others { #expect(try client.read(through: "0\r\n\r\n").contains("data: [DONE]\n")) }
    gateway.stop()
  }

  @Test func `a reload shows the new certificate, and streams go on`() throws {
    let gateway = try TLSTestGateway()
    let client = try gateway.get()
    let upstream = try gateway.orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: one\n\n")
    _ = try client.read(through: "data: one\n")
    var settings = gateway.gateway.settings
    settings.listen[0].tls?.certificates = [try CertificateSettings(gateway.authority.issue("DNS:new.example"))]
    try gateway.gateway.gateway.reload(settings)
    // The reload reaches the worker before a client that connects after it.
    #expect(throws: TestTLSClient.Refused.self) { try gateway.connect() }
    _ = try gateway.connect { $0.host = "new.example" }
    try upstream.sendChunk("data: [DONE]\n\n")
    #expect(try client.read(through: "0\r\n\r\n").contains("data: [DONE]\n"))
    gateway.stop()
  }
}
