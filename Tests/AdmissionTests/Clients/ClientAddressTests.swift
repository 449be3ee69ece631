import Support
import Testing
import Wire

@testable import Admission

/// Proxies at 10.0.0.0/8 and ::1, clients anywhere else.
enum Way {
  static let trusted = try? TrustedProxies([TrustedProxy("10.0.0.0/8"), TrustedProxy("::1")])

  static func fields(_ fields: [(StaticString, String)]) -> FieldSection {
    var section = FieldSection()
    section.append("Host", "gate.example")
    for (name, value) in fields { section.append(name, value) }
    return section
  }

  static func client(
    _ peer: String, _ fields: [(StaticString, String)], _ source: ClientAddressSource = .xForwardedFor
  ) throws -> ClientAddress {
    let address = try #require(IPAddress(peer))
    return ClientAddress.resolve(
      peer: .address(address), fields: Way.fields(fields), trusted: try #require(trusted), source: source)
  }
}

extension ClientAddress {
  fileprivate var words: [String] { chain.map(\.description) + [scheme?.rawValue ?? "-", authority ?? "-"] }
}

@Suite struct ClientAddressTests {
  static let everything: [(StaticString, String)] = [
    ("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
    ("Forwarded", "for=198.51.100.1;proto=https;host=evil.example"), ("X-Real-IP", "198.51.100.1"),
  ]

  @Test(arguments: ClientAddressSource.allCases)
  func `a peer that is not trusted is the client, whatever it says`(source: ClientAddressSource) throws {
    #expect(try Way.client("192.0.2.1", [], source).words == ["192.0.2.1", "-", "-"])
    #expect(try Way.client("192.0.2.1", Self.everything, source).words == ["192.0.2.1", "-", "-"])
  }

  @Test(arguments: [
    // From the peer on, the first that is not trusted.
    ([], ["10.0.0.1"]),
    (["192.0.2.1"], ["192.0.2.1", "10.0.0.1"]),
    (["192.0.2.1:4711"], ["192.0.2.1", "10.0.0.1"]),
    (["2001:db8::1"], ["2001:db8::1", "10.0.0.1"]),
    (["[2001:db8::1]:80"], ["2001:db8::1", "10.0.0.1"]),
    (["192.0.2.1, 10.0.0.2"], ["192.0.2.1", "10.0.0.2", "10.0.0.1"]),
    (["192.0.2.1,::ffff:10.0.0.2 ,\t::1"], ["192.0.2.1", "10.0.0.2", "::1", "10.0.0.1"]),
    (["192.0.2.1", "10.0.0.2"], ["192.0.2.1", "10.0.0.2", "10.0.0.1"]),
    // All of them trusted: the farthest one.
    (["10.0.0.3, 10.0.0.2"], ["10.0.0.3", "10.0.0.2", "10.0.0.1"]),
    // What the client itself wrote.
    (["198.51.100.1, 192.0.2.1"], ["192.0.2.1", "10.0.0.1"]),
    (["10.0.0.9, 192.0.2.1"], ["192.0.2.1", "10.0.0.1"]),
    (["10.0.0.9", "192.0.2.1"], ["192.0.2.1", "10.0.0.1"]),
    (["nonsense, 192.0.2.1, 10.0.0.2"], ["192.0.2.1", "10.0.0.2", "10.0.0.1"]),
    // A proxy that does not tell is the last one known.
    (["unknown"], ["10.0.0.1"]),
    (["192.0.2.1, unknown"], ["10.0.0.1"]),
    (["192.0.2.1, unknown, 10.0.0.2"], ["10.0.0.2", "10.0.0.1"]),
    (["192.0.2.1, _hidden"], ["10.0.0.1"]),
    (["192.0.2.1, localhost"], ["10.0.0.1"]),
    (["192.0.2.1, "], ["10.0.0.1"]),
    (["192.0.2.1", ""], ["10.0.0.1"]),
    (["192.0.2.1,, 10.0.0.2"], ["10.0.0.2", "10.0.0.1"]),
    (["192.0.2.1, 10.0.0.02"], ["10.0.0.1"]),
    (["192.0.2.1, fe80::1%eth0"], ["10.0.0.1"]),
  ])
  func `x-forwarded-for is followed while it is believed`(values: [String], chain: [String]) throws {
    let client = try Way.client("10.0.0.1", values.map { ("X-Forwarded-For", $0) })
    #expect(client.words == chain + ["-", "-"])
    #expect(client.address?.description == chain[0])
  }

  @Test(arguments: [
    (["for=192.0.2.1"], ["192.0.2.1", "10.0.0.1", "-", "-"]),
    (["for=\"[2001:db8::1]:80\";proto=https;host=A.example"], ["2001:db8::1", "10.0.0.1", "https", "a.example"]),
    (
      ["for=192.0.2.1;proto=https;host=a, for=10.0.0.2;proto=http;host=b"],
      ["192.0.2.1", "10.0.0.2", "10.0.0.1", "https", "a"]
    ),
    // The nearest to the client that tells.
    (["for=192.0.2.1, for=10.0.0.2;proto=http;host=b"], ["192.0.2.1", "10.0.0.2", "10.0.0.1", "http", "b"]),
    (
      ["for=192.0.2.1;proto=ftp;host=\"a/b\", for=10.0.0.2;proto=http"],
      ["192.0.2.1", "10.0.0.2", "10.0.0.1", "http", "-"]
    ),
    // A proxy that does not tell whom it got it from may tell the rest.
    (["for=192.0.2.1;proto=http", "for=_x;proto=https"], ["10.0.0.1", "https", "-"]),
    (["for=192.0.2.1;proto=http", "proto=https;host=\"a:8443\""], ["10.0.0.1", "https", "a:8443"]),
    (["for=unknown"], ["10.0.0.1", "-", "-"]),
    (["for=192.0.2.1, for=192.0.2.2;proto"], ["10.0.0.1", "-", "-"]),
    (["for=192.0.2.1, for=192.0.2.2:80;proto=https"], ["10.0.0.1", "-", "-"]),
    // What the client itself wrote.
    (["for=10.0.0.9;proto=https;host=x, for=192.0.2.1;proto=http"], ["192.0.2.1", "10.0.0.1", "http", "-"]),
    (["for=10.0.0.9;proto=https;host=\", for=192.0.2.1;proto=http"], ["192.0.2.1", "10.0.0.1", "http", "-"]),
    (["for=10.0.0.9;host=\"\\, for=\"[2001:db8::1]\""], ["2001:db8::1", "10.0.0.1", "-", "-"]),
  ])
  func `forwarded is followed while it is believed`(values: [String], words: [String]) throws {
    #expect(try Way.client("10.0.0.1", values.map { ("Forwarded", $0) }, .forwarded).words == words)
  }

  @Test(
    arguments: [
      ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "A.Example:8443")], "https", "a.example:8443"),
      ([("X-Forwarded-Proto", "HTTP"), ("X-Forwarded-Host", "[::1]")], "http", "[::1]"),
      // What the nearest proxy wrote.
      ([("X-Forwarded-Proto", "https, http"), ("X-Forwarded-Host", "evil, a.example")], "http", "a.example"),
      ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")], "http", "-"),
      ([("X-Forwarded-Host", "evil"), ("X-Forwarded-Host", "a.example")], "-", "a.example"),
      ([("X-Forwarded-Proto", "https, "), ("X-Forwarded-Host", "evil,")], "-", "-"),
      ([("X-Forwarded-Proto", "wss"), ("X-Forwarded-Host", "a b")], "-", "-"),
      ([("X-Forwarded-Proto", "\"https\""), ("X-Forwarded-Host", "user@a.example")], "-", "-"),
      ([("X-Forwarded-Proto", ""), ("X-Forwarded-Host", "a.example/")], "-", "-"),
      ([("X-Forwarded-Host", String(repeating: "a.", count: 140))], "-", "-"),
    ] as [([(StaticString, String)], String, String)])
  func `scheme and host are what a trusted peer says`(
    fields: [(StaticString, String)], scheme: String, authority: String
  ) throws {
    let way: [(StaticString, String)] = [("X-Forwarded-For", "192.0.2.1")]
    #expect(try Way.client("10.0.0.1", fields + way).words == ["192.0.2.1", "10.0.0.1", scheme, authority])
    #expect(try Way.client("10.0.0.1", fields).words == ["10.0.0.1", scheme, authority])
    #expect(try Way.client("192.0.2.1", fields + way).words == ["192.0.2.1", "-", "-"])
    #expect(try Way.client("10.0.0.1", fields + way, .forwarded).words == ["10.0.0.1", "-", "-"])
  }

  @Test func `only the field of the setting is looked at`() throws {
    let fields: [(StaticString, String)] = [
      ("Forwarded", "for=192.0.2.1;proto=https;host=a"), ("X-Forwarded-For", "192.0.2.2"),
      ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "b"),
    ]
    #expect(try Way.client("10.0.0.1", fields, .forwarded).words == ["192.0.2.1", "10.0.0.1", "https", "a"])
    #expect(try Way.client("10.0.0.1", fields, .xForwardedFor).words == ["192.0.2.2", "10.0.0.1", "http", "b"])
  }

  @Test func `a peer on this machine has no address, but may be believed`() throws {
    let fields = Way.fields([("X-Forwarded-For", "192.0.2.1")])
    let trusting = TrustedProxies([.unixSocket])
    let client = ClientAddress.resolve(peer: .unixSocket, fields: fields, trusted: trusting, source: .xForwardedFor)
    #expect(client.words == ["192.0.2.1", "-", "-"])
    let nobody = ClientAddress.resolve(
      peer: .unixSocket, fields: fields, trusted: try #require(Way.trusted), source: .xForwardedFor)
    #expect(nobody.address == nil && nobody.chain.isEmpty)
  }

  @Test func `somebody without a name is not believed, but counts as its proxy`() throws {
    let proxy = try #require(IPAddress("10.0.0.1"))
    let client = ClientAddress.resolve(
      peer: .unnamed(behind: proxy), fields: Way.fields(Self.everything), trusted: try #require(Way.trusted),
      source: .xForwardedFor)
    #expect(client.words == ["10.0.0.1", "-", "-"])
  }

  @Test func `no more than so many addresses are looked at`() throws {
    let most = ClientAddress.mostHops
    let hops = (1...most).map { "10.0.1.\($0)" }
    for (source, name, prefix) in [
      (ClientAddressSource.xForwardedFor, "X-Forwarded-For" as StaticString, ""), (.forwarded, "Forwarded", "for="),
    ] {
      let list = { (hops: [String]) in hops.map { prefix + $0 }.joined(separator: ", ") }
      let atBound = try Way.client("10.0.0.1", [(name, list(["192.0.2.1"] + hops.dropFirst()))], source)
      #expect(atBound.address?.description == "192.0.2.1" && atBound.chain.count == most + 1)
      let beyond = try Way.client("10.0.0.1", [(name, list(["192.0.2.1"] + hops))], source)
      #expect(beyond.address?.description == hops[0] && beyond.chain.count == most + 1)
    }
  }
}

@Suite struct SpoofingTests {
  /// What a client may write: anything that a field can hold.
  private static func spoof(_ random: inout SplitMix) -> String {
    let pieces = [
      "10.0.0.9", "192.0.2.77", "for=10.0.0.9", "for=\"10.0.0.9", "proto=https", ";", ",", "\"", "\\", " ", "[", "]",
      "::1", "unknown", "_x", "host=evil", "\t", "ü", "=", "\\\"", "for=\"[::1]\"",
    ]
    return (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }

  @Test(arguments: ClientAddressSource.allCases)
  func `nothing before the address that the first proxy wrote changes anything`(source: ClientAddressSource) throws {
    var random = SplitMix(6)
    let name: StaticString = source == .forwarded ? "Forwarded" : "X-Forwarded-For"
    for _ in 0..<5000 {
      let client = Bool.random(using: &random) ? "192.0.2.\(Int.random(in: 0...255, using: &random))" : "2001:db8::7"
      let proxies = (0..<Int.random(in: 0...4, using: &random)).map { "10.0.\($0).1" }
      let elements = ([client] + proxies).map { address in
        guard source == .forwarded else { return address }
        return address.contains(":") ? "for=\"[\(address)]\";host=\"a,\\\"b\"" : "proto=http;for=\(address)"
      }
      let genuine = elements.joined(separator: ", ")
      let expected = try Way.client("10.0.0.1", [(name, genuine)], source)
      #expect(expected.chain.map(\.description) == [client] + proxies + ["10.0.0.1"])
      let spoof = Self.spoof(&random)
      // In the same field, in one before, and in one before with the proxies' own fields apart.
      let others: [(StaticString, String)] = [("X-Forwarded", spoof), ("X-Real-IP", spoof)]
      #expect(try Way.client("10.0.0.1", [(name, spoof + ", " + genuine)] + others, source) == expected)
      #expect(try Way.client("10.0.0.1", [(name, spoof), (name, genuine)], source) == expected)
      #expect(
        try Way.client("10.0.0.1", [(name, spoof)] + elements.map { (name, $0) }, source) == expected)
    }
  }

  @Test(arguments: ClientAddressSource.allCases)
  func `nothing that an untrusted peer writes changes anything`(source: ClientAddressSource) throws {
    var random = SplitMix(7)
    let names: [StaticString] = ["X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP"]
    for _ in 0..<3000 {
      let fields = names.map { ($0, Self.spoof(&random)) }
      #expect(try Way.client("192.0.2.1", fields, source) == Way.client("192.0.2.1", [], source))
    }
  }

  @Test(arguments: ClientAddressSource.allCases)
  func `whatever a trusted peer passes on, the chain is what it is`(source: ClientAddressSource) throws {
    var random = SplitMix(8)
    for _ in 0..<5000 {
      let spoof = Self.spoof(&random)
      let client = try Way.client("10.0.0.1", [("X-Forwarded-For", spoof), ("Forwarded", spoof)], source)
      let trusted = try #require(Way.trusted)
      #expect(client.chain.last?.description == "10.0.0.1")
      #expect(client.chain.count <= ClientAddress.mostHops + 1)
      for address in client.chain.dropFirst() { #expect(trusted.contains(address)) }
    }
  }
}
