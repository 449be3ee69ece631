import Reactor
import Testing

@Suite struct SocketAddressTests {
  @Test(arguments: ["127.0.0.1", "0.0.0.0", "255.1.2.3"]) func `IPv4 text survives`(_ host: String) throws {
    let address = try #require(SocketAddress(numeric: host, port: 8004))
    #expect(address.host == host)
    #expect("\(address)" == "\(host):8004")
  }

  @Test(arguments: ["::1", "::", "2001:db8::5", "fe80::1:2"]) func `IPv6 text survives`(_ host: String) throws {
    let address = try #require(SocketAddress(numeric: host, port: 1))
    #expect(address.host == host)
    #expect("\(address)" == "[\(host)]:1")
  }

  @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "[::1]", "::1%lo", "256.0.0.1"])
  func `what is no numeric address is refused`(_ host: String) {
    #expect(SocketAddress(numeric: host, port: 1) == nil)
  }

  @Test func `a path that the kernel can't take is refused`() {
    #expect(SocketAddress(unix: String(repeating: "x", count: 108)) == nil)
    #expect(SocketAddress(unix: "/run/x")?.description == "unix:/run/x")
  }
}
