import Crypto
import Reactor
import Support
import Testing

@Suite struct TLSServerTests {
  let authority: TestAuthority

  init() throws { authority = try TestAuthority() }

  private func client(showing certificate: TLSCertificate? = nil) throws -> TLSClient {
    try TLSClient(authorities: TLSAuthorities(authority), verifies: true, certificate: certificate)
  }

  private func certificate(_ names: String) throws -> TLSCertificate { try TLSCertificate(authority.issue(names)) }

  @Test func `the host decides about the certificate: exactly, by a wildcard, or the first`() throws {
    let all = try ["DNS:first.example", "DNS:*.b.example", "DNS:x.b.example", "DNS:c.example"].map(certificate)
    let server = try TLSServer(certificates: all)
    for (host, place) in [
      ("first.example", 0), ("c.example", 3), ("C.Example", 3), ("x.b.example", 2), ("y.b.example", 1),
      ("b.example", 0), ("z.y.b.example", 0), ("nobody.example", 0),
    ] {
      #expect(server.certificate(for: host) == all[place], "\(host)")
    }
    #expect(server.certificate(for: nil) == all[0])
    // Each client verifies that it got the one for its host.
    for host in ["first.example", "c.example", "x.b.example", "y.b.example"] {
      #expect(try TLSPair(server, client(), host: host).shakeHands() == (.done(0), .done(0)), "\(host)")
    }
    #expect(try TLSPair(server, client(), host: "nobody.example").shakeHands().client != .done(0))
  }

  @Test func `a client must show a certificate where that is required`() throws {
    let mine = try certificate("DNS:me.example")
    let foreign = try TLSCertificate(TestAuthority("another").issue("DNS:me.example"))
    for (how, isNone, isForeign) in [(ClientCertificates.required, false, false), (.optional, true, false)] {
      let server = try TLSServer(
        certificates: [certificate("DNS:a.example")], authorities: TLSAuthorities(authority), clientCertificates: how)
      #expect(try TLSPair(server, client(showing: mine)).shakeHands().server == .done(0))
      #expect(try (TLSPair(server, client()).shakeHands().server == .done(0)) == isNone)
      #expect(try (TLSPair(server, client(showing: foreign)).shakeHands().server == .done(0)) == isForeign)
    }
  }

  @Test func `nothing in common above TLS is an error`() throws {
    let server = try TLSServer(certificates: [certificate("DNS:a.example")], protocols: ["h2"])
    guard case .failed = try TLSPair(server, client()).shakeHands().server else {
      Issue.record("the handshake did not fail")
      return
    }
  }

  @Test func `the server's order decides what is spoken`() throws {
    let server = try TLSServer(certificates: [certificate("DNS:a.example")], protocols: ["h2", "http/1.1"])
    let pair = try TLSPair(server, client())
    #expect(pair.shakeHands() == (.done(0), .done(0)))
    #expect(pair.server.applicationProtocol == "http/1.1")
  }

  @Test func `what OpenSSL finds too weak is refused when it is set up`() throws {
    let weak = try TLSCertificate(authority.issue("DNS:a.example", rsaBits: 1024))
    #expect(throws: TLSError.refused(reason: "ee key too small")) { try TLSServer(certificates: [weak]) }
  }
}
