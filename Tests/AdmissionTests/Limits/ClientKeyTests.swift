import Testing

@testable import Admission

@Suite struct ClientKeyTests {
  static let prefix: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 7]

  @Test func `an IPv4 address is one client`() {
    #expect(ClientKey(address: [192, 0, 2, 1]) == .ipv4(0xc000_0201))
    #expect(ClientKey(address: [192, 0, 2, 1]) != ClientKey(address: [192, 0, 2, 2]))
  }

  @Test func `all of a /64 is one client`() {
    let one = ClientKey(address: Self.prefix + [0, 0, 0, 0, 0, 0, 0, 1])
    let other = ClientKey(address: Self.prefix + [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    let neighbour = ClientKey(address: Self.prefix[..<7] + [8, 0, 0, 0, 0, 0, 0, 0, 1])
    #expect(one == .ipv6(prefix: 0x2001_0db8_0000_0007))
    #expect(one == other)
    #expect(one != neighbour)
  }

  @Test func `an IPv4 address mapped into IPv6 counts as itself`() {
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]
    #expect(ClientKey(address: mapped) == .ipv4(0xc000_0201))
    // Not quite mapped.
    var other = mapped
    other[9] = 1
    #expect(ClientKey(address: other) == .ipv6(prefix: 0))
    other[9] = 0
    other[0] = 1
    #expect(ClientKey(address: other) == .ipv6(prefix: 1 << 56))
  }

  @Test(arguments: [0, 1, 3, 5, 15, 17])
  func `other numbers of bytes are no address`(count: Int) {
    #expect(ClientKey(address: [UInt8](repeating: 1, count: count)) == nil)
  }

  @Test(arguments: [
    (ClientKey.ipv4(0xc000_0201), "192.0.2.1"), (.ipv6(prefix: 0x2001_0db8_0000_0007), "2001:db8:0:7::/64"),
    (.unix, "unix"),
  ])
  func `a client has a name for logs`(key: ClientKey, name: String) {
    #expect(key.description == name)
  }
}
