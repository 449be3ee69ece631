import Bytes
import Support
import Testing
import Wire

@Suite struct ForwardedNodeTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:80", "192.0.2.1"), ("192.0.2.1:_port", "192.0.2.1"),
    ("192.0.2.1:00080", "192.0.2.1"), ("192.0.2.1:0", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1"),
    ("[2001:DB8::1]:65535", "2001:db8::1"), ("[::ffff:192.0.2.1]:1", "192.0.2.1"),
  ])
  func `a node with an address is that address`(text: String, address: String) throws {
    let node = ForwardedNode.address(try #require(IPAddress(address)))
    #expect(ForwardedNode(Array(text.utf8).span) == node)
    #expect(ForwardedNode(listed: Array(text.utf8).span) == node)
  }

  @Test(
    arguments: [
      ("unknown", .unknown), ("Unknown", .unknown), ("unknown:80", .unknown), ("_hidden", .obfuscated),
      ("_a.B-9_:_x", .obfuscated), ("__", .obfuscated),
    ] as [(String, ForwardedNode)])
  func `a node may hide who it is`(text: String, node: ForwardedNode) {
    #expect(ForwardedNode(Array(text.utf8).span) == node)
    #expect(ForwardedNode(listed: Array(text.utf8).span) == node)
  }

  @Test(arguments: [
    "", ":", ":80", "_", "_a b", "_ä", "_a:_", "unknown:", "unknowns", "hidden", "localhost", "192.0.2.1:",
    "192.0.2.1:65536", "192.0.2.1:123456", "192.0.2.1:-1", "192.0.2.1:80:80", "192.0.2.01", "192.0.2.1 ",
    "192.0.2.1/32",
    "[192.0.2.1]", "[]", "[", "]", "[::1", "::1]", "[::1]80", "[::1]:", "[::1]]", "[[::1]]", "[fe80::1%lo]", "\"::1\"",
    "[::1]:x",
  ])
  func `what is no node is none`(text: String) {
    #expect(ForwardedNode(Array(text.utf8).span) == nil)
    #expect(ForwardedNode(listed: Array(text.utf8).span) == nil)
  }

  @Test func `brackets are for the standard field alone`() {
    #expect(ForwardedNode(Array("2001:db8::1".utf8).span) == nil)
    #expect(ForwardedNode(listed: Array("2001:db8::1".utf8).span) == IPAddress("2001:db8::1").map { .address($0) })
  }
}

@Suite struct ForwardedElementTests {
  private func words(_ text: String) -> [String]? {
    guard let element = ForwardedElement(Array(text.utf8).span) else { return nil }
    let node =
      switch element.node {
      case .address(let address): "\(address)"
      case .unknown: "unknown"
      case .obfuscated: "obfuscated"
      case nil: "-"
      }
    return [node] + [element.proto, element.host].map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "-" }
  }

  @Test(arguments: [
    ("for=192.0.2.60;proto=http;by=203.0.113.43", ["192.0.2.60", "http", "-"]),
    ("for=192.0.2.43", ["192.0.2.43", "-", "-"]),
    ("For=\"[2001:db8:cafe::17]:4711\"", ["2001:db8:cafe::17", "-", "-"]),
    ("FOR=\"_gazonk\"", ["obfuscated", "-", "-"]),
    ("for=unknown", ["unknown", "-", "-"]),
    ("for=_SEVKISEK", ["obfuscated", "-", "-"]),
    ("proto=https", ["-", "https", "-"]),
    ("PROTO=\"HTTPS\" ; Host=\"a.example:8443\"", ["-", "HTTPS", "a.example:8443"]),
    ("host=a.example;for=\"192.0.2.1:80\"", ["192.0.2.1", "-", "a.example"]),
    ("for=\"19\\2.0.2.1\"", ["192.0.2.1", "-", "-"]),
    ("host=\"a\\\"b\\\\c\"", ["-", "-", "a\"b\\c"]),
    ("host=\"a,b;c\"", ["-", "-", "a,b;c"]),
    ("host=\"\"", ["-", "-", ""]),
    (";for=192.0.2.1;;", ["192.0.2.1", "-", "-"]),
    ("by=x;secret=\"y\"", ["-", "-", "-"]),
    ("for=192.0.2.1\t;\tproto=http", ["192.0.2.1", "http", "-"]),
  ])
  func `an element says these things`(text: String, expected: [String]) {
    #expect(words(text) == expected)
  }

  @Test(arguments: [
    "", ";", " ", "for", "for=", "=192.0.2.1", "for =192.0.2.1", "for= 192.0.2.1", "192.0.2.1", "for=192.0.2.1:80",
    "for=[::1]", "for=\"::1\"", "for=\"192.0.2.1", "for=192.0.2.1\"", "for=\"192.0.2.1\\\"", "for=\"\\", "for=nobody",
    "for=\"\"", "for=192.0.2.1 proto=http", "for=192.0.2.1;for=192.0.2.2", "proto=a;PROTO=b", "host=a;host=a",
    "for=\"192.0.2.1\"x", "host=a/b", "for=192.0.2.1,proto=http", "f(r=192.0.2.1", "host=a;ä=b",
  ])
  func `a malformed element says nothing`(text: String) {
    #expect(words(text) == nil)
  }
}

@Suite struct ForwardedHopsTests {
  private func hops(_ name: StaticString, _ values: [String]) -> [String] {
    var fields = FieldSection()
    fields.append("Host", "a, b")
    for value in values {
      fields.append(name, value)
      fields.append("X-Other", "198.51.100.9")
    }
    var hops = ForwardedHops(FieldName(Array("\(name)".utf8).span), in: fields)
    var words: [String] = []
    while let hop = hops.next(in: fields) {
      switch hop.node {
      case .address(let address): words.append("\(address)")
      case .unknown: words.append("unknown")
      case .obfuscated: words.append("obfuscated")
      case nil: words.append("-")
      }
    }
    return words
  }

  @Test(arguments: [
    ([], []),
    (["192.0.2.1"], ["192.0.2.1"]),
    (["192.0.2.1, 192.0.2.2"], ["192.0.2.2", "192.0.2.1"]),
    (["192.0.2.1,192.0.2.2\t ,  ::1"], ["::1", "192.0.2.2", "192.0.2.1"]),
    (["192.0.2.1", "192.0.2.2, 192.0.2.3"], ["192.0.2.3", "192.0.2.2", "192.0.2.1"]),
    ([""], ["-"]),
    ([","], ["-", "-"]),
    (["192.0.2.1,"], ["-", "192.0.2.1"]),
    ([", 192.0.2.1"], ["192.0.2.1", "-"]),
    (["192.0.2.1", "", "192.0.2.2"], ["192.0.2.2", "-", "192.0.2.1"]),
    (["\"192.0.2.1, 192.0.2.2"], ["192.0.2.2", "-"]),
    (["unknown, 192.0.2.1:80, _x"], ["obfuscated", "192.0.2.1", "unknown"]),
    (["192.0.2.1 192.0.2.2"], ["-"]),
  ])
  func `a list is read from its end`(values: [String], expected: [String]) {
    #expect(hops("X-Forwarded-For", values) == expected)
  }

  @Test(arguments: [
    (["for=192.0.2.1, for=192.0.2.2"], ["192.0.2.2", "192.0.2.1"]),
    (["for=192.0.2.1;host=\"a,b\", for=\"[::1]\";host=\"c,\\\",d\""], ["::1", "192.0.2.1"]),
    (["for=192.0.2.1;host=\"a\\\\\", for=192.0.2.2"], ["192.0.2.2", "192.0.2.1"]),
    (["for=192.0.2.1", "for=192.0.2.2"], ["192.0.2.2", "192.0.2.1"]),
    (["for=192.0.2.1;by=\"", "for=192.0.2.2"], ["192.0.2.2", "-"]),
    // A quote that never closes in what a client invented.
    (["for=\"192.0.2.9, for=192.0.2.2"], ["192.0.2.2", "-"]),
    (["for=192.0.2.9;x=\", for=\"[::1]\""], ["::1", "-"]),
    (["x=\"\\, for=192.0.2.2;host=\"b\""], ["192.0.2.2", "-"]),
    (["for=192.0.2.1,, for=192.0.2.2"], ["192.0.2.2", "-", "192.0.2.1"]),
    (["\""], ["-"]),
    (["\"\\\""], ["-"]),
  ])
  func `quotes hold commas together, read from the end as well`(values: [String], expected: [String]) {
    #expect(hops("Forwarded", values) == expected)
  }

  @Test func `whatever is written, reading it from the end traps nowhere and ends`() {
    var random = SplitMix(3)
    let letters = Array("for=192.0.2.1;proto,\"\"\\\\ []:_,,".utf8)
    for _ in 0..<20_000 {
      let value = (0..<Int.random(in: 0...60, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0 }
      let text = String(decoding: value, as: UTF8.self)
      #expect(hops("Forwarded", [text]).count <= value.count + 1)
      #expect(hops("X-Forwarded-For", [text]).count == value.count { $0 == UInt8(ascii: ",") } + 1)
    }
  }

  @Test func `the last element of a list is the nearest proxy's`() {
    var fields = FieldSection()
    #expect(fields.lastElement(of: .xForwardedProto) == nil)
    fields.append("X-Forwarded-Proto", "http, https ")
    #expect(fields.lastElement(of: .xForwardedProto).map { Array(fields.bytes[$0]) } == Array("https".utf8))
    fields.append("X-Forwarded-Proto", "ws")
    #expect(fields.lastElement(of: .xForwardedProto).map { Array(fields.bytes[$0]) } == Array("ws".utf8))
    fields.append("X-Forwarded-Proto", "")
    #expect(fields.lastElement(of: .xForwardedProto)?.isEmpty == true)
  }
}
