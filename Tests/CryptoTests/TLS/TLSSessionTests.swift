import Crypto
import Reactor
import Support
import Testing

@Suite struct TLSSessionTests {
  let authority: TestAuthority
  let server: TLSServer
  let client: TLSClient

  init() throws {
    authority = try TestAuthority()
    server = try TLSServer(certificates: [TLSCertificate(authority.issue("DNS:a.example"))])
    client = try TLSClient(authorities: TLSAuthorities(authority), verifies: true, certificate: nil)
  }

  @Test func `bytes go both ways, and each end is told`() throws {
    let pair = try TLSPair(server, client)
    #expect(pair.shakeHands() == (.done(0), .done(0)))
    #expect(pair.client.version == "TLSv1.3" && !pair.server.isResumed)
    #expect(pair.client.applicationProtocol == "http/1.1" && pair.server.applicationProtocol == "http/1.1")
    #expect(pair.write(Array("question".utf8), pair.client) == .done(8))
    #expect(pair.read(pair.server).bytes == Array("question".utf8))
    #expect(pair.read(pair.server).step == .awaitsRead)
    #expect(pair.server.end() == .done(0))
    #expect(pair.read(pair.client).step == .ended)
  }

  /// The rule that a socket relies on: a write that waits has taken its bytes, and wants the same again.
  @Test(arguments: [1 as UInt64, 2, 3])
  func `a reader that is slow gets every byte once`(seed: UInt64) throws {
    let pair = try TLSPair(server, client, buffer: 4096)
    #expect(pair.shakeHands() == (.done(0), .done(0)))
    var random = SplitMix(seed)
    var (sent, received, waiting): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
    var waits = 0
    while received.count < 400_000 {
      if sent.count < 400_000 || !waiting.isEmpty {
        if waiting.isEmpty {
          waiting = (0..<Int.random(in: 1...16_384, using: &random)).map { _ in .random(in: 0...255, using: &random) }
          sent += waiting
        }
        // At another address each time, as an owner's bytes are.
        switch pair.write(Array(waiting), pair.server) {
        case .done(let count): waiting.removeFirst(count)
        case .awaitsWrite: waits += 1
        default: Issue.record("the write failed")
        }
      }
      if Bool.random(using: &random) || sent.count >= 400_000 { received += pair.read(pair.client).bytes }
    }
    while received.count < sent.count { received += pair.read(pair.client).bytes }
    #expect(waits > 0 && received == sent)
  }

  @Test func `a certificate for another host is refused, and said to be`() throws {
    let pair = try TLSPair(server, client, host: "b.example")
    #expect(pair.shakeHands().client == .failed(.broken("certificate: hostname mismatch")))
  }

  @Test func `a certificate of nobody that is believed is refused`() throws {
    let other = try TLSClient(authorities: TLSAuthorities(TestAuthority("another")), verifies: true, certificate: nil)
    guard case .failed(.broken(let words)) = try TLSPair(server, other).shakeHands().client else {
      Issue.record("the handshake did not fail")
      return
    }
    #expect(words.hasPrefix("certificate: "))
  }

  @Test func `a certificate that has expired is refused`() throws {
    let late = try TLSServer(certificates: [TLSCertificate(authority.issue("DNS:a.example", seconds: -7200 ... -3600))])
    #expect(
      try TLSPair(late, client).shakeHands().client == .failed(.broken("certificate: certificate has expired")))
  }

  @Test func `an address is checked as one`() throws {
    let numeric = try TLSServer(certificates: [TLSCertificate(authority.issue("IP:127.0.0.1"))])
    #expect(try TLSPair(numeric, client, host: "127.0.0.1").shakeHands() == (.done(0), .done(0)))
    #expect(
      try TLSPair(numeric, client, host: "127.0.0.2").shakeHands().client
        == .failed(.broken("certificate: ip address mismatch")))
  }

  @Test func `who verifies nothing takes any certificate`() throws {
    let careless = try TLSClient(authorities: nil, verifies: false, certificate: nil)
    #expect(try TLSPair(server, careless, host: "b.example").shakeHands() == (.done(0), .done(0)))
  }

  @Test(arguments: ["GET / HTTP/1.1\r\n", "POST /process/stream HTTP/1.1\r\n", "HEAD / HTTP/1.1\r\n"])
  func `a request without TLS is known as one`(text: String) throws {
    let pair = try TLSPair(server, client)
    pair.writeRaw(text)
    #expect(pair.server.handshake() == .failed(.plainHTTP))
  }

  @Test func `garbage is an error and nothing more`() throws {
    let pair = try TLSPair(server, client)
    pair.writeRaw("\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}")
    guard case .failed(.broken) = pair.server.handshake() else {
      Issue.record("the handshake did not fail")
      return
    }
  }
}
