import Admission
import Gateway
import Reactor
import Settings
import Support
import Testing

/// What becomes of clients that never get as far as a request.
@Suite(.timeLimit(.minutes(2))) struct HandshakeTests {
  @Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"])
  func `a request without TLS is told so, and closed`(text: String) throws {
    let gateway = try TLSTestGateway()
    let client = try gateway.gateway.connect()
    try client.send(text)
    let answer = try client.readToEnd()
    #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.hasSuffix("this port speaks TLS only: use https\n"))
    #expect(gateway.waitForHandshakes(.failed).values["detail"] == "a plain HTTP request")
    gateway.stop()
  }

  @Test(arguments: [[0, 1, 2, 3, 4, 5, 6, 7], [0x16, 3, 1, 0, 4, 9, 9, 9, 9], [UInt8](repeating: 0xFF, count: 3000)])
  func `garbage ends the connection and nothing else`(bytes: [UInt8]) throws {
    let gateway = try TLSTestGateway()
    let client = try gateway.gateway.connect()
    try client.send(bytes)
    try client.waitForEnd()
    _ = gateway.waitForHandshakes(.failed)
    _ = try gateway.connect()
    gateway.stop()
  }

  @Test(arguments: [[], [0x16, 3, 1] as [UInt8]])
  func `a handshake that goes on for too long is ended`(bytes: [UInt8]) throws {
    let gateway = try TLSTestGateway { $0.handshakeTimeout = .milliseconds(100) }
    let client = try gateway.gateway.connect()
    if !bytes.isEmpty { try client.send(bytes) }
    try client.waitForEnd()
    _ = gateway.waitForHandshakes(.timeout)
    gateway.stop()
  }

  @Test func `who leaves within the handshake is gone`() throws {
    let gateway = try TLSTestGateway()
    let client = try gateway.gateway.connect()
    try client.send([0x16, 3, 1])
    client.endWrites()
    try client.waitForEnd()
    #expect(gateway.waitForHandshakes(.failed).values["detail"] == "the client has left")
    gateway.stop()
  }

  @Test(arguments: [1, 4])
  func `a client begins as many handshakes as its rate lets it, over all workers`(workers: Int) throws {
    let gateway = try TLSTestGateway(workers: workers) { $0.handshakes = Rate(count: 180, unit: .hour) }
    // The burst is what comes in one second, rounded up: here one, and the next in 20 seconds.
    _ = try gateway.connect()
    #expect(throws: TestTLSClient.Refused.self) { try gateway.connect() }
    let line = gateway.waitForHandshakes(.limited)
    #expect(line.values["detail"]?.contains("listen[].tls.handshakes") == true)
    gateway.stop()
  }

  @Test func `a drain closes what has not shaken hands`() throws {
    let gateway = try TLSTestGateway()
    let client = try gateway.gateway.connect()
    gateway.stop()
    try client.waitForEnd()
  }

  /// The header comes in the clear and in any pieces; what follows belongs to TLS.
  @Test(arguments: ["PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n"])
  func `a proxy's header comes before the handshake`(header: String) throws {
    let gateway = try TLSTestGateway { _ in
    } changing: {
      $0.listen[0].proxyProtocol = true
      $0.proxies = ProxySettings(trusted: .loopback, clientAddressFrom: .xForwardedFor)
    }
    let client = try gateway.get { $0.prelude = header }
    let upstream = try gateway.orchestrator.accept()
    #expect(try upstream.readRequest().head.contains("X-Forwarded-For: 192.0.2.7"))
    try upstream.send("HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")
    #expect(try client.read(through: "0\r\n\r\n").contains("[DONE]"))
    let slow = try gateway.gateway.connect()
    for byte in header.dropLast(2).utf8 { try slow.send([byte]) }
    try slow.send("\r")
    slow.endWrites()
    try slow.waitForEnd()
    let wrong = try gateway.gateway.connect()
    try wrong.send("GET / HTTP/1.1\r\n\r\n")
    try wrong.waitForEnd()
    gateway.stop()
  }

  @Test func `plain clients are sent to https, with host and target`() throws {
    let orchestrator = try TestOrchestrator()
    for (port, shown) in [(UInt16(443), ""), (8443, ":8443")] {
      let gateway = try TestGateway(
        upstream: [orchestrator.port],
        changing: {
          $0.listen[0].redirect = HTTPSRedirect(port: port)
        })
      let client = try gateway.connect()
      try client.send("GET /process/stream?message=a%20b&c HTTP/1.1\r\nHost: chat.example:8080\r\n\r\n")
      let answer = try client.read(through: "\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 308 Permanent Redirect\r\n"))
      #expect(answer.contains("\r\nLocation: https://chat.example\(shown)/process/stream?message=a%20b&c\r\n"))
      let post = try gateway.post()
      #expect(try post.readToEnd().contains("\r\nLocation: https://localhost\(shown)/process/stream\r\n"))
      let nameless = try gateway.connect()
      try nameless.send("GET / HTTP/1.0\r\n\r\n")
      #expect(try nameless.readToEnd().hasPrefix("HTTP/1.1 400 "))
      gateway.stop()
    }
    #expect(orchestrator.isUntouched)
  }
}

extension TrustedProxies {
  fileprivate static var loopback: TrustedProxies {
    (try? TrustedProxy("127.0.0.0/8")).map { TrustedProxies([$0]) } ?? .none
  }
}
