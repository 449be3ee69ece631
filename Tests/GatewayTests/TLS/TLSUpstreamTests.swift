import COpenSSL
import Crypto
import Gateway
import Settings
import Support
import Testing

/// Orchestrators that are spoken to by TLS, played by OpenSSL in blocking calls.
@Suite(.timeLimit(.minutes(2))) struct TLSUpstreamTests {
  let authority: TestAuthority
  let orchestrator: TestOrchestrator

  init() throws {
    authority = try TestAuthority()
    orchestrator = try TestOrchestrator()
  }

  private func gateway(
    believing authority: TestAuthority?, verifies: Bool = true, serverName: String? = nil,
    certificate: CertificateSettings? = nil
  ) throws -> TestGateway {
    let authorities = try authority.map {
      (path: "ca.pem", authorities: try TLSAuthorities(Array($0.pem.utf8).span))
    }
    let tls = try UpstreamTLSSettings(
      authorities: authorities, verifies: verifies, serverName: serverName, certificate: certificate)
    return try TestGateway(
      upstream: [],
      changing: { settings in
        settings.upstreams["chat"] = .default(endpoints: [
          EndpointAddress(host: "127.0.0.1", port: orchestrator.port, isSecure: true)
        ])
        settings.upstreams["chat"]?.tls = tls
      })
  }

  @Test func `a run goes to an orchestrator by TLS`() throws {
    let gateway = try gateway(believing: authority)
    let client = try gateway.get()
    let upstream = try TestTLSServer(orchestrator.accept(), authority.issue("IP:127.0.0.1"))
    #expect(try upstream.read(through: "\r\n\r\n").hasPrefix("POST /run HTTP/1.1\r\nHost: 127.0.0.1:"))
    let text = String(repeating: "y", count: 60_000)
    try upstream.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: \(text)\n\ndata: [DONE]\n\n")
    upstream.end()
    let answer = try client.read(through: "0\r\n\r\n")
    #expect(answer.contains(text) && answer.contains("data: [DONE]\n"))
    gateway.stop()
  }

  @Test func `a server name stands in for the address`() throws {
    let gateway = try gateway(believing: authority, serverName: "chat.internal")
    let client = try gateway.get()
    let upstream = try TestTLSServer(orchestrator.accept(), authority.issue("DNS:chat.internal"))
    #expect(upstream.serverName == "chat.internal")
    try upstream.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: [DONE]\n\n")
    #expect(try client.read(through: "0\r\n\r\n").contains("data: [DONE]\n"))
    gateway.stop()
  }

  @Test func `an orchestrator that does not prove who it is gets no request`() throws {
    let other = try TestAuthority("another")
    for (issued, words) in [
      (try authority.issue("IP:127.0.0.2"), "ip address mismatch"),
      (try authority.issue("IP:127.0.0.1", seconds: -7200 ... -3600), "certificate has expired"),
      (try other.issue("IP:127.0.0.1"), "certificate: "),
    ] {
      let gateway = try gateway(believing: authority)
      let client = try gateway.get()
      #expect(throws: TestTLSClient.Refused.self) { try TestTLSServer(orchestrator.accept(), issued) }
      #expect(try client.read(through: "0\r\n\r\n").contains(#""reason":"upstream_unreachable"}"#))
      #expect(gateway.log.wait(for: "upstream_failed").values["detail"]?.contains(words) == true)
      gateway.stop()
    }
  }

  @Test func `verify false takes anybody`() throws {
    let gateway = try gateway(believing: nil, verifies: false)
    let client = try gateway.get()
    let upstream = try TestTLSServer(orchestrator.accept(), TestAuthority("another").issue("DNS:nobody"))
    try upstream.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: [DONE]\n\n")
    #expect(try client.read(through: "0\r\n\r\n").contains("data: [DONE]\n"))
    gateway.stop()
  }

  @Test func `a plain server behind https is no upstream`() throws {
    let gateway = try gateway(believing: authority)
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    try upstream.send("HTTP/1.1 400 Bad Request\r\n\r\n")
    #expect(try client.read(through: "0\r\n\r\n").contains(#""reason":"upstream_unreachable"}"#))
    gateway.stop()
  }

  /// Without the closing alert anybody on the way could cut an answer that only its end delimits.
  @Test func `an answer that ends without the alert is cut, not whole`() throws {
    let gateway = try gateway(believing: authority)
    let client = try gateway.get()
    let upstream = try TestTLSServer(orchestrator.accept(), authority.issue("IP:127.0.0.1"))
    _ = try upstream.read(through: "\r\n\r\n")
    try upstream.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
    _ = try client.read(through: "data: one\n")
    upstream.socket.endWrites()
    #expect(try client.read(through: "0\r\n\r\n").contains(#""reason":"upstream_closed"}"#))
    gateway.stop()
  }
}
