import Testing

@testable import Settings

@Suite struct AddressTests {
  @Test(
    arguments: [
      ("0.0.0.0:8004", .ipv4(host: "0.0.0.0", port: 8004), "0.0.0.0:8004"),
      ("127.0.0.1:0", .ipv4(host: "127.0.0.1", port: 0), "127.0.0.1:0"),
      ("[::]:65535", .ipv6(host: "::", port: 65535), "[::]:65535"),
      ("[0:0:0:0:0:0:0:1]:1", .ipv6(host: "::1", port: 1), "[::1]:1"),
      ("unix:/run/sluice/http", .unix(path: "/run/sluice/http"), "unix:/run/sluice/http"),
    ] as [(String, ListenAddress, String)])
  func `an address is read and written`(text: String, address: ListenAddress, written: String) {
    #expect(ListenAddress(text) == address)
    #expect(address.description == written)
    #expect(ListenAddress(written) == address)
  }

  @Test func `the path of a socket is 107 bytes at most`() {
    let path = "/" + String(repeating: "a", count: 106)
    #expect(ListenAddress("unix:\(path)") == .unix(path: path))
    #expect(ListenAddress("unix:\(path)a") == nil)
    #expect(ListenAddress("unix:/a\0b") == nil)
  }

  @Test(arguments: [
    "", ":8004", "8004", "127.0.0.1:", "127.0.0.1: 1", "127.0.0.1:+1", "*:8004", "unix:", "unix:a", "a:1",
  ])
  func `what is no address is none`(text: String) {
    #expect(ListenAddress(text) == nil)
  }

  @Test(
    arguments: [
      ("a", 80, "a", "http://a"), ("a", 9000, "a:9000", "http://a:9000"),
      ("10.0.0.1", 80, "10.0.0.1", "http://10.0.0.1"),
      ("::1", 80, "[::1]", "http://[::1]"), ("::1", 81, "[::1]:81", "http://[::1]:81"),
    ] as [(String, UInt16, String, String)])
  func `an endpoint says what goes into Host`(host: String, port: UInt16, authority: String, written: String) throws {
    let endpoint = EndpointAddress(host: host, port: port)
    #expect(endpoint.authority == authority)
    #expect(endpoint.description == written)
    #expect(try EndpointAddress(written) == endpoint)
  }

  @Test(
    arguments: [
      ("/", .exact("/")), ("/a", .exact("/a")), ("/a/", .exact("/a/")), ("/a%2Fb", .exact("/a%2Fb")),
      ("/a;b=c,d/@:!$&'()+~_-.e", .exact("/a;b=c,d/@:!$&'()+~_-.e")), ("/**", .prefix("/")),
      ("/a/b/**", .prefix("/a/b/")),
      ("/.well-known/x", .exact("/.well-known/x")), ("/_sluicer", .exact("/_sluicer")), ("/...", .exact("/...")),
    ] as [(String, PathPattern)])
  func `a path is exact unless it ends in two stars`(text: String, pattern: PathPattern) {
    #expect(PathPattern(text) == pattern)
    #expect(pattern.description == text)
    #expect(!pattern.isReserved)
  }

  @Test(arguments: [
    "", "a", "**", "*", "/*", "/***", "/a**", "/**/", "/a//b", "//", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "/a b",
    "/a?b", "/a#b", "/a%", "/a%2", "/a%g0", "/a\\b", "/a\"", "/<a>", "/{a}", "/a\u{7f}", "/a\tb", "/ä", "http://a/b",
  ])
  func `what is no path is none`(text: String) {
    #expect(PathPattern(text) == nil)
  }

  @Test func `a path is 1024 bytes at most`() {
    let path = "/" + String(repeating: "a", count: 1023)
    #expect(PathPattern(path) == .exact(path))
    #expect(PathPattern(path + "a") == nil)
  }

  @Test(arguments: ["/_sluice", "/_sluice/runs", "/_sluice/**"])
  func `the gateway keeps its own paths`(text: String) {
    #expect(PathPattern(text)?.isReserved == true)
  }
}
