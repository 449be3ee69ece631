import Testing

@testable import Admission

@Suite struct HostTests {
  @Test(arguments: [
    ("example.com", "example.com"),
    ("EXAMPLE.Com", "example.com"),
    ("example.com.", "example.com."),
    ("localhost", "localhost"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("a_b-c.d1", "a_b-c.d1"),
    ("1and1.com", "1and1.com"),
    ("127.0.0.1", "127.0.0.1"),
    ("255.255.255.255", "255.255.255.255"),
    ("[::]", "[::]"),
    ("[::1]", "[::1]"),
    ("[0:0:0:0:0:0:0:1]", "[::1]"),
    ("[2001:DB8::00ff]", "[2001:db8::ff]"),
    ("[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]"),
    ("[1:0:0:2:3:0:0:4]", "[1::2:3:0:0:4]"),
    ("[1:0:2:3:4:5:6:7]", "[1:0:2:3:4:5:6:7]"),
    ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"),
    ("[1::]", "[1::]"),
    ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
  ])
  func `a host is written as browsers write it`(text: String, written: String) {
    #expect(Host(text)?.description == written)
  }

  @Test(arguments: [
    "", ".", "..", "a..b", ".a", "a b", "a/b", "a:80", "a@b", "bücher.example", "*.example.com", "a%2eb",
    String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "a",
    "127.1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "0x7f.0.0.1", "a.0x1", "1.2.3.4.", "2130706433", "1.2.3.+4",
    "[]", "[:]", "[:::]", "[::1", "::1", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]", "[12345::]", "[g::]",
    "[1:2:3:4:5:6:7::8]", "[::1%eth0]", "[127.0.0.1::]", "[::127.0.0.1:1]", "[::+1]", "[1:2:3:4:5:6:7:1.2.3.4]",
  ])
  func `what is no host is none`(text: String) {
    #expect(Host(text) == nil)
  }

  @Test func `the longest name is a host and one byte more is none`() {
    let labels = String(repeating: String(repeating: "a", count: 62) + ".", count: 4)
    #expect(Host(labels + "a") != nil)
    #expect(Host(labels + "ab") == nil)
  }

  @Test func `an address stands without brackets for a socket call`() {
    #expect(Host("[::1]")?.address == "::1")
    #expect(Host("10.0.0.1")?.address == "10.0.0.1")
    #expect(Host("Example.com")?.address == "example.com")
  }

  @Test(
    arguments: [
      ("example.com", nil), ("example.com:8080", 8080), ("[::1]", nil), ("[::1]:65535", 65535), ("127.0.0.1:1", 1),
    ] as [(String, UInt16?)])
  func `an authority is a host with or without a port`(text: String, port: UInt16?) throws {
    let authority = try #require(Authority(text))
    #expect(authority.port == port)
  }

  @Test(arguments: [
    "a:", "a:0", "a:080", "a:65536", "a:+1", "a:1:2", ":80", "::1", "[::1]:", "[::1]80", "a:8 0", "a:８",
  ])
  func `what is no authority is none`(text: String) {
    #expect(Authority(text) == nil)
  }
}
