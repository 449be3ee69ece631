import Admission
import Crypto
import Gateway
import Reactor
import Settings
import Support
import Testing

@testable import Gateway

/// A gateway in this process that speaks TLS, with an authority of its own.
final class TLSTestGateway {
  let authority: TestAuthority
  let orchestrator: TestOrchestrator
  let gateway: TestGateway

  init(
    workers: Int = 1, names: [String] = ["DNS:localhost"], streams: StreamSettings = .default,
    tls change: (inout ListenerTLSSettings) throws -> Void = { _ in },
    changing: (inout Settings) -> Void = { _ in }
  ) throws {
    authority = try TestAuthority()
    orchestrator = try TestOrchestrator()
    var tls = ListenerTLSSettings(certificates: [try CertificateSettings(authority.issue(names[0]))])
    for name in names.dropFirst() { tls.certificates.append(try CertificateSettings(authority.issue(name))) }
    try change(&tls)
    let made = tls
    gateway = try TestGateway(upstream: [orchestrator.port], streams: streams, workers: workers) { settings in
      settings.listen[0].tls = made
      changing(&settings)
    }
  }

  func connect(_ change: (inout TestTLSClient.Wishes) -> Void = { _ in }) throws -> TestTLSClient {
    var wishes = TestTLSClient.Wishes()
    change(&wishes)
    return try TestTLSClient(port: gateway.port, authority: authority, wishes)
  }

  /// Sends a GET as an EventSource would.
  func get(fields: String = "", _ change: (inout TestTLSClient.Wishes) -> Void = { _ in }) throws -> TestTLSClient {
    let client = try connect(change)
    try client.send("GET \(TestGateway.path)?message=hi HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
    return client
  }

  /// How many handshakes went so, waited for.
  func waitForHandshakes(_ outcome: HandshakeOutcome) -> TestLog.Line {
    while true {
      let line = gateway.log.wait(for: "handshake")
      if line.values["result"] == outcome.rawValue { return line }
    }
  }

  func stop() { gateway.stop() }
}

extension CertificateSettings {
  init(_ issued: TestAuthority.Issued) throws {
    self.init(
      certificateFile: "test.pem", keyFile: "test.key",
      certificate: try TLSCertificate(
        certificate: Array(issued.certificate.utf8).span, key: Array(issued.key.utf8).span))
  }
}
