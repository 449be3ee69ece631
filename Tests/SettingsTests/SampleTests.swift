import Admission
import Glibc
import Support
import Testing

@testable import Settings

/// The file with which operators begin, kept in step with the code.
@Suite struct SampleTests {
  static let file = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/config/sluice.yaml"

  let text: String
  let lines: [Substring]
  /// The first line of every key in the file, its path written as in `Settings.keys`.
  let places: [String: Int]

  init() throws {
    text = try SettingsFile.text(of: Self.file)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let root = try #require(SettingsNode(yaml: text, report: SettingsReport(file: Self.file)))
    places = root.places()
  }

  @Test func `every default stands in it`() throws {
    let settings = try Settings.load(file: Self.file)
    #expect(settings.cors == .sameOriginOnly)
    #expect(settings.identity == .default)
    #expect(settings.streams == .default)
    #expect(settings.clients == .default)
    #expect(settings.proxies == .default)
    #expect(settings.memory == .default)
    #expect(settings.workers == .auto)
    #expect(settings.authentication == nil && settings.tickets == nil, "these are for those who rename them")
    #expect(settings.stateDirectory == .none)
    #expect(settings.drain == .default)
    #expect(settings.log == .default)
    #expect(settings.listen == [ListenerSettings(address: .ipv4(host: "0.0.0.0", port: 8004))])
    #expect(settings.upstreams == ["chat": .default(endpoints: [EndpointAddress(host: "127.0.0.1", port: 9000)])])
    let route = try #require(settings.routes.first)
    let run = RunSettings(
      upstream: "chat", method: RunSettings.defaultMethod, path: "/process/stream",
      answerAfter: RunSettings.defaultAnswerAfter)
    #expect(
      route
        == RouteSettings(
          host: nil, path: .exact("/process/stream"), action: .run(run), onAbandoned: .default,
          credentials: .none, cors: .sameOriginOnly))
    let feed = try #require(settings.routes.last)
    #expect(
      feed
        == RouteSettings(
          host: nil, path: .prefix("/events/"),
          action: .feed(FeedSettings(upstream: "chat", path: .prefix("/events/"))), onAbandoned: .default,
          credentials: .none, cors: .sameOriginOnly))
  }

  @Test func `what is prepared in it needs only its name and its files`() throws {
    let keys = try KeyFolder()
    try keys.write("secret", "0123456789abcdef0123456789abcdef")
    for name in ["other", "gateway"] { try keys.write(name, TestAuthority().issue("DNS:\(name).example")) }
    for name in ["ca", "clients"] { try keys.write("\(name).pem", TestAuthority(name).pem) }
    var renamed = text.replacing("/etc/sluice/", with: "\(keys.path)/")
    for name in ["listen", "upstreams"] { renamed = renamed.replacing("\n\(name):", with: "\nplain-\(name):") }
    renamed = renamed.replacing("\nx-", with: "\n").replacing("\nplain-", with: "\nx-plain-")
    let settings = try Settings.parse(yaml: renamed, file: Self.file)
    let tls = try #require(settings.listen[0].tls)
    #expect(tls.certificates.map(\.keyFile) == ["\(keys.path)/key.pem", "\(keys.path)/other.key"])
    #expect(tls.clientAuthorities != nil && settings.listen[0].strictTransport == .seconds(180 * 86400))
    let standard = ListenerTLSSettings(certificates: [])
    #expect(tls.handshakeTimeout == standard.handshakeTimeout && tls.ticketRotation == standard.ticketRotation)
    #expect(tls.handshakes == nil && tls.clientCertificates == .required)
    #expect(settings.listen[1].redirect == HTTPSRedirect(port: 8443))
    #expect(settings.upstreams["chat"]?.tls?.serverName == "orchestrator.internal")
    #expect(settings.tickets == TicketSettings())
    let authentication = try #require(settings.authentication)
    #expect(settings.routes.allSatisfy { $0.authentication == authentication })
    var jwt = JWTSettings.default(keyFile: "\(keys.path)/keys.pem", secretFile: "\(keys.path)/secret")
    jwt.rule.issuer = "https://id.example/"
    jwt.sources = TokenSources(header: true, cookie: "token", query: "access_token")
    #expect(authentication.jwt == jwt)
    #expect(
      authentication.authorize == AuthorizeSettings(upstream: "chat", path: "/verify", subjectHeader: "x-subject"))
  }

  @Test func `every key of the code stands in it, and no other`() {
    let shared = Settings.keys.map(\.path).filter(Self.isShared)
    #expect(Set(places.keys).union(shared) == Set(Settings.keys.map(\.path)))
  }

  @Test(arguments: Settings.keys)
  func `every key stands below its sentence`(key: SettingsKey) {
    guard !key.path.hasPrefix("routes[].cors."), let place = places[key.path] else { return }
    let above = lines[..<(place - 1)].reversed().prefix { line in
      line.drop { $0 == " " }.hasPrefix("#")
    }
    let lines = above.map { $0.drop { $0 == " " } }
    // What is prepared under another name says there how to use it.
    let isPrepared = ["authentication", "tickets"].contains(key.path)
    let isSaid = lines.contains {
      $0 == "# \(key.summary)" || isPrepared && $0.hasPrefix("# \(key.summary.dropLast())")
    }
    #expect(isSaid, "\(key.path) in line \(place)")
  }

  @Test func `it gives no warnings`() throws {
    #expect(try Settings.load(file: Self.file).warnings(in: .unknown) == [])
  }

  @Test func `its lines fit a screen`() {
    #expect(lines.allSatisfy { $0.count <= 120 })
  }

  /// Whether a key is one of a route that the same one at the top explains.
  private static func isShared(_ path: String) -> Bool {
    path.hasPrefix("routes[].cors.") || path.hasPrefix("routes[].authentication")
  }
}

extension SettingsNode {
  /// The first line of every key in it, its path written as in `Settings.keys`.
  func places(below path: String = "") -> [String: Int] {
    var places: [String: Int] = [:]
    switch content {
    case .scalar: break
    case .list(let items):
      for item in items { places.merge(item.places(below: "\(path)[]")) { first, _ in first } }
    case .mapping(let entries):
      for entry in entries {
        let name = path == "upstreams" ? "*" : entry.name
        // What nobody has the files for yet is prepared under a name that is ignored.
        let below = path.isEmpty ? (name.hasPrefix("x-") ? String(name.dropFirst(2)) : name) : "\(path).\(name)"
        // A name that the operator chooses is no key.
        if name != "*" { places[below] = places[below] ?? entry.line }
        places.merge(entry.value.places(below: below)) { first, _ in first }
      }
    }
    return places
  }
}

@Suite struct KeyTests {
  @Test func `the keys are these`() {
    let proof = [
      "authentication", "authentication.jwt", "authentication.jwt.keys", "authentication.jwt.secret",
      "authentication.jwt.algorithms", "authentication.jwt.issuer", "authentication.jwt.audience",
      "authentication.jwt.leeway", "authentication.jwt.require_expiry", "authentication.jwt.token_size",
      "authentication.jwt.sources", "authentication.jwt.sources.header", "authentication.jwt.sources.cookie",
      "authentication.jwt.sources.query", "authentication.jwt.ends_stream", "authentication.authorize",
      "authentication.authorize.upstream", "authentication.authorize.path", "authentication.authorize.headers",
      "authentication.authorize.subject_header", "authentication.authorize.cache",
    ]
    let cors = [
      "cors", "cors.origins", "cors.credentials", "cors.allowed_headers", "cors.exposed_headers", "cors.max_age",
      "cors.private_network",
    ]
    let routes = [
      "routes", "routes[].path", "routes[].host", "routes[].answer_after", "routes[].on_abandoned", "routes[].run",
      "routes[].run.upstream", "routes[].run.method", "routes[].run.path",
      "routes[].feed", "routes[].feed.upstream", "routes[].feed.path", "routes[].feed.headers",
      "routes[].feed.public", "routes[].feed.idle_timeout", "routes[].feed.backoff", "routes[].feed.backoff.min",
      "routes[].feed.backoff.max",
      "routes[].forward_credentials", "routes[].forward_credentials.authorization",
      "routes[].forward_credentials.cookies", "routes[].set_cookie", "routes[].refusal", "routes[].slow_readers",
      "routes[].coalesce", "routes[].coalesce.type", "routes[].coalesce.data", "routes[].coalesce.text",
      "routes[].coalesce.latest", "routes[].backpressure",
    ]
    #expect(
      Settings.keys.map(\.path) == [
        "listen", "listen[].address", "listen[].proxy_protocol", "listen[].admin", "listen[].tls",
        "listen[].tls.certificate", "listen[].tls.key", "listen[].tls.certificates",
        "listen[].tls.certificates[].certificate", "listen[].tls.certificates[].key", "listen[].tls.client_ca",
        "listen[].tls.client_certificates", "listen[].tls.handshake_timeout", "listen[].tls.handshakes",
        "listen[].tls.ticket_rotation", "listen[].redirect", "listen[].hsts", "listen[].http2", "trusted_proxies",
        "client_address_from",
        "upstreams", "upstreams.*.endpoints", "upstreams.*.connect_timeout", "upstreams.*.first_byte_timeout",
        "upstreams.*.idle_timeout", "upstreams.*.keep_alive", "upstreams.*.keep_alive_connections",
        "upstreams.*.tcp_keepalive",
        "upstreams.*.tls", "upstreams.*.tls.ca", "upstreams.*.tls.verify", "upstreams.*.tls.server_name",
        "upstreams.*.tls.certificate", "upstreams.*.tls.key",
      ] + cors + proof + routes + (cors + proof).map { "routes[].\($0)" } + [
        "identity", "identity.headers", "identity.cookies",
        "streams", "streams.client_buffer", "streams.event_size", "streams.log", "streams.log.bytes",
        "streams.log.events", "streams.log.age", "streams.budget", "streams.keep_finished", "streams.heartbeat",
        "streams.retry", "streams.retry.min", "streams.retry.max", "streams.terminal_events", "streams.terminal_field",
        "clients", "clients.head_timeout", "clients.body_timeout", "clients.idle_timeout", "clients.send_timeout",
        "clients.head_size", "clients.uri_size", "clients.body_size", "clients.connections", "clients.tcp_keepalive",
        "clients.unsent_size",
        "clients.http2", "clients.http2.streams", "clients.http2.window", "clients.http2.bodies",
        "clients.http2.continuations", "clients.http2.resets", "clients.http2.pings", "clients.http2.settings",
        "clients.http2.empty_frames",
        "state_directory",
        "drain", "drain.deadline",
        "log", "log.level", "log.format",
        "tickets", "tickets.lifetime", "tickets.count",
        "mux", "mux.streams", "mux.log", "mux.linger",
        "limits", "limits[].name", "limits[].per", "limits[].streams", "limits[].connections", "limits[].rate",
        "limits[].burst", "limits[].when_full", "limits[].waiting",
        "memory", "memory.budget", "workers",
      ])
  }

  @Test(arguments: Settings.keys.filter { $0.default != nil })
  func `a key at its default is the same as none`(key: SettingsKey) throws {
    let keys = try KeyFolder()
    let file = SmallFile(keyFile: "\(keys.path)/keys.pem")
    let without = try Settings.parse(yaml: file.yaml(key.path, nil), file: "gate.yaml")
    let with = try Settings.parse(yaml: file.yaml(key.path, key.default), file: "gate.yaml")
    #expect(with == without)
  }
}

@Suite struct LoadTests {
  /// The path of a new file with these bytes.
  private static func file(_ bytes: [UInt8]) throws -> String {
    var template = Array("/tmp/sluice-settings-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func problems(in file: String) -> [String] {
    do throws(SettingsError) {
      _ = try Settings.load(file: file)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test func `a file is read and checked`() throws {
    let good = try Self.file(Array(MinimalFile.yaml().utf8))
    let bad = try Self.file(Array("listen: 1".utf8))
    defer {
      unlink(good)
      unlink(bad)
    }
    #expect(try Settings.load(file: good) == Settings.parse(yaml: MinimalFile.yaml(), file: good))
    #expect(Self.problems(in: bad).first == #"\#(bad):1: listen: given "1", allowed: a list of 1 to 64 mappings"#)
  }

  @Test func `a file that cannot be read is one problem, in the system's words`() {
    #expect(
      Self.problems(in: "/nowhere/gate.yaml") == [
        "/nowhere/gate.yaml: given a file that cannot be read (No such file or directory), allowed: a readable file"
      ])
    #expect(
      Self.problems(in: "/") == ["/: given a file that cannot be read (Is a directory), allowed: a readable file"])
  }

  @Test func `a file that is no UTF-8 is refused at its line`() throws {
    let file = try Self.file(Array("# a\n# b\n".utf8) + [0x23, 0xFF, 0x0A])
    defer { unlink(file) }
    #expect(Self.problems(in: file) == ["\(file):3: given bytes that are no UTF-8, allowed: a text in UTF-8"])
  }

  @Test(arguments: [0, 1])
  func `a file has 1 MiB at most`(excess: Int) throws {
    let text = MinimalFile.yaml()
    let file = try Self.file(Array(text.utf8) + Array(repeating: 0x0A, count: (1 << 20) - text.utf8.count + excess))
    defer { unlink(file) }
    #expect(Self.problems(in: file) == (excess == 0 ? [] : ["\(file): given more than 1 MiB, allowed: at most 1 MiB"]))
  }
}
