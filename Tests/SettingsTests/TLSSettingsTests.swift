import Admission
import Crypto
import Support
import Testing

@testable import Settings

@Suite struct TLSSettingsTests {
  let folder: TemporaryFolder
  let authority: TestAuthority

  init() throws {
    folder = try TemporaryFolder()
    authority = try TestAuthority()
    try folder.write("a", authority.issue("DNS:a.example"))
    try folder.write("b", authority.issue("DNS:b.example"))
    try folder.write("ca.pem", authority.pem)
  }

  /// The file, with `@` for the folder.
  private func yaml(_ listen: String = "address: \"127.0.0.1:1\"", upstream: String = "") -> String {
    MinimalFile.yaml(
      listen: "listen: [{\(listen.replacing("@", with: folder.path))}]",
      upstreams: "upstreams: {chat: {endpoints: [https://chat.example]\(upstream.replacing("@", with: folder.path))}}")
  }

  private func listener(_ keys: String) throws -> ListenerSettings {
    try Settings.parse(yaml: yaml("address: \"127.0.0.1:1\", \(keys)"), file: "gate.yaml").listen[0]
  }

  private func problems(_ keys: String) -> [String] {
    BadFile.problems(in: yaml("address: \"127.0.0.1:1\", \(keys)")).map { $0.replacing(folder.path, with: "@") }
  }

  @Test func `the short form is a certificate and its key, seen from the settings file`() throws {
    let text = MinimalFile.yaml(
      listen: "listen: [{address: \"127.0.0.1:1\", tls: {certificate: a.pem, key: a.key}}]")
    let tls = try #require(try Settings.parse(yaml: text, file: "\(folder.path)/sluice.yaml").listen[0].tls)
    #expect(tls.certificates.map(\.certificateFile) == ["\(folder.path)/a.pem"])
    #expect(tls.clientAuthorities == nil && tls.handshakes == nil)
    #expect(tls.certificates[0].certificate.covers("a.example", wildcards: false))
  }

  @Test func `every key reaches its property`() throws {
    let listener = try listener(
      """
      hsts: 90d, tls: {certificate: @/a.pem, key: @/a.key, certificates: [{certificate: @/b.pem, key: @/b.key}],
      client_ca: @/ca.pem, client_certificates: optional, handshake_timeout: 3s, handshakes: 20/s, ticket_rotation: 1h}
      """)
    let tls = try #require(listener.tls)
    #expect(listener.strictTransport == .seconds(90 * 86400))
    #expect(tls.certificates.map(\.keyFile) == ["\(folder.path)/a.key", "\(folder.path)/b.key"])
    #expect(tls.clientAuthoritiesFile == "\(folder.path)/ca.pem" && tls.clientCertificates == .optional)
    #expect(try tls.clientAuthorities == TLSAuthorities(Array(authority.pem.utf8).span))
    #expect(tls.handshakeTimeout == .seconds(3) && tls.handshakes == Rate(count: 20, unit: .second))
    #expect(tls.ticketRotation == .seconds(3600))
  }

  @Test func `one file may hold both, and certificates may stand in the list alone`() throws {
    let issued = try authority.issue("DNS:c.example")
    try folder.write("c.pem", issued.certificate + issued.key)
    #expect(try listener("tls: {certificate: @/c.pem}").tls?.certificates.map(\.keyFile) == ["\(folder.path)/c.pem"])
    #expect(try listener("tls: {certificates: [{certificate: @/c.pem}]}").tls?.certificates.count == 1)
  }

  @Test func `a file that is wrong is told with its key, its path and what is wrong`() throws {
    try folder.write("empty.pem", "")
    let secret = try authority.issue("DNS:a.example", password: "secret")
    try folder.write("secret.key", secret.key)
    let weak = try authority.issue("DNS:a.example", rsaBits: 1024)
    try folder.write("weak", weak)
    for (keys, problem) in [
      ("certificate: @/none.pem, key: @/a.key", #"tls.certificate: given "@/none.pem", a file that cannot be read"#),
      ("certificate: @/empty.pem, key: @/a.key", #"tls.certificate: given "@/empty.pem", a file without a PEM cert"#),
      ("certificate: @/a.pem", #"tls.certificate: given "@/a.pem", a file without a PEM private key"#),
      ("certificate: @/a.pem, key: @/b.key", #"tls.key: given "@/b.key", a private key that is not the cert"#),
      ("certificate: @/a.pem, key: @/secret.key", #"tls.key: given "@/secret.key", a private key that needs a"#),
      ("certificate: @/weak.pem, key: @/weak.key", #"tls.certificate: given "@/weak.pem", what OpenSSL does not take"#),
      ("key: @/a.key", "tls.certificate: given nothing, allowed: the path of a file"),
      ("handshakes: none", "tls.certificate: given nothing, allowed: the path of a file"),
      (
        "certificate: @/a.pem, key: @/a.key, certificates: [{certificate: @/b.pem, key: @/a.key}]",
        #"tls.certificates[0].key: given "@/a.key", a private key that is not the cert"#
      ),
      (
        "certificate: @/a.pem, key: @/a.key, client_ca: @/a.key",
        #"tls.client_ca: given "@/a.key", a file without a PEM CA certificate"#
      ),
      (
        "certificate: @/a.pem, key: @/a.key, client_certificates: optional",
        "tls.client_certificates: given client_certificates alone, allowed: only together with client_ca"
      ),
    ] {
      let found = problems("tls: {\(keys)}")
      #expect(found.count == 1 && found.first?.hasPrefix("gate.yaml:1: listen[0].\(problem)") == true, "\(found)")
    }
  }

  @Test(arguments: [
    ("redirect: https, tls: {certificate: @/a.pem, key: @/a.key}", "redirect: given redirect with tls"),
    ("redirect: https, admin: true", "redirect: given redirect with admin"),
    ("redirect: http", #"redirect: given "http", allowed: https, or https and a port, such as https:8443"#),
    ("redirect: \"https:0\"", #"redirect: given "https:0""#),
    ("redirect: \"https:65536\"", #"redirect: given "https:65536""#),
    ("hsts: 1d", "hsts: given hsts without tls"),
  ])
  func `what makes no sense together is refused`(keys: String, problem: String) {
    let found = problems(keys)
    #expect(found.count == 1 && found.first?.hasPrefix("gate.yaml:1: listen[0].\(problem)") == true, "\(found)")
  }

  @Test func `a redirect has a port, 443 where none is said`() throws {
    #expect(try listener("redirect: https").redirect == HTTPSRedirect(port: 443))
    #expect(try listener("redirect: https:8443").redirect == HTTPSRedirect(port: 8443))
  }

  @Test func `an upstream by https is verified by the system's authorities unless its section says otherwise`() throws {
    func pool(_ tls: String) throws -> UpstreamSettings? {
      try Settings.parse(yaml: yaml(upstream: tls), file: "gate.yaml").upstreams["chat"]
    }
    let plain = try #require(try pool(""))
    #expect(plain.endpoints == [EndpointAddress(host: "chat.example", port: 443, isSecure: true)])
    #expect(plain.endpoints[0].authority == "chat.example" && "\(plain.endpoints[0])" == "https://chat.example")
    #expect(plain.tls?.verifies == true && plain.tls?.authoritiesFile == nil)
    let full = try #require(
      try pool(", tls: {ca: @/ca.pem, server_name: Chat.Internal, certificate: @/a.pem, key: @/a.key}")?.tls)
    #expect(full.authoritiesFile == "\(folder.path)/ca.pem" && full.serverName == "chat.internal")
    #expect(full.certificate?.keyFile == "\(folder.path)/a.key" && full.verifies)
    #expect(full != plain.tls)
    #expect(try pool(", tls: {verify: false}")?.tls?.verifies == false)
  }

  @Test func `an upstream's contradictions are refused`() {
    for (upstream, problem) in [
      (", tls: {verify: false, ca: @/ca.pem}", "upstreams.chat.tls.ca: given ca with verify: false"),
      (", tls: {key: @/a.key}", "upstreams.chat.tls.certificate: given nothing"),
      (", tls: {server_name: \"10.0.0.1\"}", #"upstreams.chat.tls.server_name: given "10.0.0.1""#),
    ] {
      let found = BadFile.problems(in: yaml(upstream: upstream))
      #expect(found.count == 1 && found.first?.contains(problem) == true, "\(found)")
    }
    let plain = MinimalFile.yaml(upstreams: "upstreams: {chat: {endpoints: [http://a], tls: {verify: false}}}")
    #expect(BadFile.problems(in: plain).first?.contains("upstreams.chat.tls: given tls with http endpoints") == true)
  }

  @Test func `what is risky is said: no verification, and certificates that expire`() throws {
    func warnings(_ yaml: String, now: Int?) throws -> [String] {
      var surroundings = Surroundings.unknown
      surroundings.now = now
      return try Settings.parse(yaml: yaml, file: "gate.yaml").warnings(in: surroundings).map(\.description)
    }
    let careless = try warnings(yaml(upstream: ", tls: {verify: false}"), now: nil)
    #expect(careless.contains { $0.hasPrefix("upstreams.chat.tls.verify: insecure: ") })
    let file = yaml("address: \"127.0.0.1:1\", tls: {certificate: @/a.pem, key: @/a.key}")
    let expires = try listener("tls: {certificate: @/a.pem, key: @/a.key}").tls?.certificates[0].certificate.expires
    let end = try #require(expires)
    #expect(try !warnings(file, now: end - 15 * 86400).contains { $0.contains("listen[0].tls: the certificate") })
    #expect(try warnings(file, now: end - 86400).contains { $0.contains("a.pem expires within 2 days; renew it") })
    #expect(try warnings(file, now: end + 1).contains { $0.contains("a.pem has expired") })
  }

  @Test func `a public address with TLS is no risk, and a reload may change all but the kind of door`() throws {
    let text = MinimalFile.yaml(
      listen:
        "listen: [{address: \"8.8.8.8:443\", tls: {certificate: \(folder.path)/a.pem, key: \(folder.path)/a.key}}]")
    #expect(try !WarningTests.warnings(in: text).contains { $0.contains("public address") })
    let (first, second) = (
      try listener("tls: {certificate: @/a.pem, key: @/a.key}"),
      try listener("tls: {certificate: @/b.pem, key: @/b.key}")
    )
    #expect(first != second && first.canBecome(second))
    #expect(try !first.canBecome(listener("hsts: 0s, admin: true, tls: {certificate: @/a.pem, key: @/a.key}")))
    #expect(try !first.canBecome(listener("proxy_protocol: false")))
  }
}
