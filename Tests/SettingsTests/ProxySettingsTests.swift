import Admission
import Testing

@testable import Settings

/// Reads a part of a file with one reader and says what is wrong with it.
enum PartialFile {
  static func read<Value>(_ yaml: String, _ body: (SettingsReader) -> Value) -> (value: Value?, problems: [String]) {
    let report = SettingsReport(file: "gate.yaml")
    let value = SettingsNode(yaml: yaml, report: report).map { SettingsReader(root: $0, report: report).read(body) }
    return (value, report.error().problems.map { String($0.description.dropFirst("gate.yaml".count)) })
  }

  /// Reads what must be right.
  static func value<Value>(_ yaml: String, _ body: (SettingsReader) -> Value) throws -> Value {
    let (value, problems) = read(yaml, body)
    #expect(problems == [])
    return try #require(value)
  }
}

@Suite struct ProxySettingsTests {
  @Test func `without the keys nobody is believed`() throws {
    let settings = try PartialFile.value("{}") { ProxySettings($0) }
    #expect(settings == .default)
    #expect(settings.trusted.isEmpty && settings.clientAddressFrom == .xForwardedFor)
  }

  @Test func `both keys are read`() throws {
    let yaml = "trusted_proxies: [10.0.0.0/8, '::1', unix, fd00::/8]\nclient_address_from: forwarded"
    let settings = try PartialFile.value(yaml) { ProxySettings($0) }
    #expect(settings.trusted.addresses.ranges.map(\.description) == ["10.0.0.0/8", "::1", "fd00::/8"])
    #expect(settings.trusted.includesUnixSockets && settings.clientAddressFrom == .forwarded)
  }

  @Test func `an address that begins with a colon takes quotes between brackets, and none in a list of lines`() throws {
    let settings = try PartialFile.value("trusted_proxies:\n  - 10.0.0.0/8\n  - ::1") { ProxySettings($0) }
    #expect(settings.trusted.addresses.ranges.map(\.description) == ["10.0.0.0/8", "::1"])
    let problems = PartialFile.read("trusted_proxies: [::1]") { ProxySettings($0) }.problems
    #expect(problems.count == 1 && problems.first?.hasPrefix(":1: given broken YAML") == true)
  }

  static let entry = "an address, a range such as 10.0.0.0/8, or unix for the gateway's Unix sockets"
  static let list = "a list of 0 to 256 items, each \(entry)"

  @Test(arguments: [
    BadFile("trusted_proxies: 10.0.0.0/8", #":1: trusted_proxies: given "10.0.0.0/8", allowed: \#(list)"#),
    BadFile(
      "trusted_proxies: [proxy.internal]", #":1: trusted_proxies[0]: given "proxy.internal", allowed: \#(entry)"#),
    BadFile("trusted_proxies: ['*']", #":1: trusted_proxies[0]: given "*", allowed: \#(entry)"#),
    BadFile("trusted_proxies: [true]", #":1: trusted_proxies[0]: given "true", allowed: \#(entry)"#),
    BadFile("trusted_proxies: ['[::1]']", #":1: trusted_proxies[0]: given "[::1]", allowed: \#(entry)"#),
    BadFile(
      "trusted_proxies:\n  - ::1\n  - 10.1.2.3/8",
      #":3: trusted_proxies[1]: given "10.1.2.3/8", allowed: the range 10.0.0.0/8, or an address alone"#),
    BadFile(
      "trusted_proxies: [10.0.0.0/33]",
      #":1: trusted_proxies[0]: given "10.0.0.0/33", allowed: a prefix from 0 to 32 bits"#),
    BadFile(
      "trusted_proxies: ['::1', '0::1/128']",
      #":1: trusted_proxies[1]: given "0::1/128" again, allowed: each item once"#),
    BadFile("trusted_proxies: [[unix]]", ":1: trusted_proxies[0]: given a list, allowed: \(entry)"),
    BadFile(
      "client_address_from: x-real-ip",
      #":1: client_address_from: given "x-real-ip", allowed: one of x-forwarded-for, forwarded"#),
  ])
  func `what is no proxy is refused`(file: BadFile) {
    #expect(PartialFile.read(file.text) { ProxySettings($0) }.problems == file.problems)
  }

  @Test func `at most so many are listed`() {
    let list = { (count: Int) in
      "trusted_proxies: [\((0..<count).map { "10.0.\($0 / 256).\($0 % 256)" }.joined(separator: ", "))]"
    }
    #expect(PartialFile.read(list(256)) { ProxySettings($0) }.problems == [])
    #expect(
      PartialFile.read(list(257)) { ProxySettings($0) }.problems == [
        ":1: trusted_proxies: given a list of 257, allowed: \(Self.list)"
      ])
  }

  @Test func `believing everybody is warned of`() throws {
    let settings = try PartialFile.value("trusted_proxies: [0.0.0.0/0, '::/0', 10.0.0.0/8, unix]") { ProxySettings($0) }
    #expect(settings.warnings().map(\.key) == ["trusted_proxies", "trusted_proxies"])
    #expect(
      settings.warnings().first?.text
        == "0.0.0.0/0 is everybody, so each client is whoever it says it is, and limits per client hold nobody back; "
        + "list the addresses of the proxies")
    #expect(ProxySettings.default.warnings() == [])
  }
}

@Suite struct ListenerSettingsTests {
  @Test func `a listener expects no header unless told`() throws {
    let address = ListenAddress.ipv4(host: "127.0.0.1", port: 8004)
    let plain = try PartialFile.value("address: 127.0.0.1:8004") { ListenerSettings($0) }
    #expect(plain == ListenerSettings(address: address, proxyProtocol: false))
    let proxied = try PartialFile.value("{address: '127.0.0.1:8004', proxy_protocol: true}") { ListenerSettings($0) }
    #expect(proxied == ListenerSettings(address: address, proxyProtocol: true))
    #expect(plain?.isAdmin == false && proxied?.isAdmin == false)
  }

  @Test func `a listener is for operators where it says so`() throws {
    let admin = try PartialFile.value("{address: '127.0.0.1:9100', admin: true}") { ListenerSettings($0) }
    #expect(admin?.isAdmin == true && admin?.proxyProtocol == false)
    #expect(
      PartialFile.read("{address: '127.0.0.1:9100', admin: yes}") { ListenerSettings($0) }.problems == [
        #":1: admin: given "yes", allowed: true or false"#
      ])
  }

  @Test(arguments: [
    BadFile("proxy_protocol: true", ":1: address: given nothing, allowed: \(ListenAddress.allowed)"),
    BadFile(
      "address: 127.0.0.1:80\nproxy_protocol: v2", #":2: proxy_protocol: given "v2", allowed: true or false"#),
    BadFile(
      "address: 127.0.0.1:80\nproxy_protocoll: true",
      ":2: proxy_protocoll: given an unknown key, allowed: one of address, admin, hsts, http2, proxy_protocol, redirect, tls; did you mean proxy_protocol?"
    ),
  ])
  func `what is no listener is refused`(file: BadFile) {
    #expect(PartialFile.read(file.text) { ListenerSettings($0) }.problems == file.problems)
  }

  @Test(arguments: [
    ("trusted_proxies: [10.0.0.0/8]", []),
    ("trusted_proxies: [10.0.0.0/8, unix]", []),
    ("{}", [":1: trusted_proxies: given no address, allowed: at least one, because listen[1] has proxy_protocol"]),
    (
      "x: 1\ntrusted_proxies: [unix]",
      [":2: trusted_proxies: given no address, allowed: at least one, because listen[1] has proxy_protocol"]
    ),
  ])
  func `a listener that expects a header of nobody is refused`(yaml: String, problems: [String]) {
    let listeners = [
      ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 1), proxyProtocol: false),
      ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 2), proxyProtocol: true),
    ]
    #expect(Self.check(listeners, yaml) == problems)
  }

  @Test func `a unix socket that expects a header is for those who are believed there`() {
    let listeners = [ListenerSettings(address: .unix(path: "/run/sluice"), proxyProtocol: true)]
    #expect(Self.check(listeners, "trusted_proxies: [unix]") == [])
    #expect(
      Self.check(listeners, "trusted_proxies: [10.0.0.0/8]") == [
        ":1: trusted_proxies: given no unix, allowed: at least unix, because listen[0] has proxy_protocol"
      ])
  }

  private static func check(_ listeners: [ListenerSettings], _ yaml: String) -> [String] {
    PartialFile.read(yaml) { reader in
      _ = reader.ask("x", "", default: nil, allowed: nil)
      ProxySettings(reader).check(listeners, reader)
    }.problems
  }
}
