import Support
import Testing
import Wire

@testable import Admission

@Suite struct AddressRangeTests {
  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0", true), ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
    ("10.0.0.0/8", "9.255.255.255", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
    ("10.0.0.0/8", "::10.1.2.3", false),
    ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::", false), ("0.0.0.0/0", "::1", false),
    ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1/32", "192.0.2.1", true),
    ("192.0.2.2/31", "192.0.2.3", true), ("192.0.2.2/31", "192.0.2.4", false),
    ("::1", "::1", true), ("::1", "::2", false), ("::1", "0.0.0.1", false), ("::/128", "::", true),
    ("fd00::/8", "fdff:ffff::1", true), ("fd00::/8", "fe00::", false), ("fd00::/8", "fc00::", false),
    // Everything of IPv6 is nothing of IPv4.
    ("::/0", "2001:db8::1", true), ("::/0", "192.0.2.1", false), ("::/1", "192.0.2.1", false),
    ("::/80", "192.0.2.1", false), ("::/80", "::1", true),
    ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("::ffff:0:0/96", "192.0.2.1", true), ("::ffff:0:0/96", "::1", false),
  ])
  func `a range holds the addresses that begin with its bits`(range: String, address: String, isHeld: Bool) throws {
    let address = try #require(IPAddress(address))
    #expect(try AddressRange(range).contains(address) == isHeld)
    #expect(try AddressList([AddressRange("203.0.113.0/24"), AddressRange(range)]).contains(address) == isHeld)
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0/8", 8), ("10.0.0.0/32", "10.0.0.0", 32), ("10.0.0.0", "10.0.0.0", 32),
    ("FD00:0::/8", "fd00::/8", 8), ("::1/128", "::1", 128), ("0.0.0.0/0", "0.0.0.0/0", 0), ("::/0", "::/0", 0),
    ("::ffff:10.0.0.0/104", "10.0.0.0/8", 8), ("::ffff:0:0/96", "0.0.0.0/0", 0), ("::ffff:10.1.2.3", "10.1.2.3", 32),
  ])
  func `a range is written normalized`(text: String, written: String, bits: Int) throws {
    let range = try AddressRange(text)
    #expect(range.description == written)
    #expect(range.prefixLength == bits)
    #expect(range.isEverything == (bits == 0))
    #expect(try AddressRange(written) == range)
  }

  static let form = "an address or range such as 10.0.0.0/8 or ::1, without name, port, brackets or zone"

  @Test(arguments: [
    ("", form), ("/8", form), ("localhost", form), ("10/8", form), ("10.0.0.0:80", form), ("[::1]", form),
    ("[fd00::]/8", form), ("fe80::%lo/10", form), ("*", form), ("10.0.0.*", form), ("10.0.0.0-10.0.0.9", form),
    ("10.0.0.0 /8", form), ("010.0.0.0/8", form),
    ("10.0.0.0/", "a prefix from 0 to 32 bits"), ("10.0.0.0/33", "a prefix from 0 to 32 bits"),
    ("10.0.0.0/08", "a prefix from 0 to 32 bits"), ("10.0.0.0/+8", "a prefix from 0 to 32 bits"),
    ("10.0.0.0/-1", "a prefix from 0 to 32 bits"), ("10.0.0.0/8/8", "a prefix from 0 to 32 bits"),
    ("10.0.0.0/255.0.0.0", "a prefix from 0 to 32 bits"), ("10.0.0.0/4294967304", "a prefix from 0 to 32 bits"),
    ("fd00::/129", "a prefix from 0 to 128 bits"), ("fd00::/ 8", "a prefix from 0 to 128 bits"),
    ("10.0.0.1/8", "the range 10.0.0.0/8, or an address alone"),
    ("192.0.2.1/0", "the range 0.0.0.0/0, or an address alone"),
    ("192.0.2.1/31", "the range 192.0.2.0/31, or an address alone"),
    ("fd00::1/8", "the range fd00::/8, or an address alone"),
    ("::ffff:0:0/90", "the range ::ffc0:0:0/90, or an address alone"),
  ])
  func `what is no range is refused with what would be one`(text: String, allowed: String) {
    let error = #expect(throws: AddressRangeError.self) { try AddressRange(text) }
    #expect(error?.description == "given \"\(text)\", allowed: \(allowed)")
  }

  @Test func `a range holds what shares its bits, whatever the bits`() throws {
    var random = SplitMix(5)
    for _ in 0..<5000 {
      let isIPv4 = Bool.random(using: &random)
      let width = isIPv4 ? 32 : 128
      let length = Int.random(in: 0...width, using: &random)
      var bits = UInt128(random.next()) << 64 | UInt128(random.next())
      if isIPv4 { bits = 0xFFFF_0000_0000 | bits & 0xFFFF_FFFF }
      // The bits before the prefix of IPv4 are those of every IPv4 address.
      let mask = UInt128.max << UInt128(width - length)
      let range = try AddressRange("\(IPAddress(bits: bits & mask))/\(length)")
      #expect(range.contains(IPAddress(bits: bits)) && range.contains(IPAddress(bits: bits | ~mask)))
      guard length > 0 else { continue }
      let changed = bits ^ (1 << UInt128(width - Int.random(in: 1...length, using: &random)))
      #expect(!range.contains(IPAddress(bits: changed)))
    }
  }
}

@Suite struct TrustedProxiesTests {
  @Test func `an empty list believes nobody`() throws {
    #expect(TrustedProxies.none.isEmpty)
    let address = try #require(IPAddress("127.0.0.1"))
    for peer in [ClientPeer.address(address), .unixSocket, .unnamed(behind: address), .unnamed(behind: nil)] {
      #expect(!TrustedProxies.none.contains(peer))
    }
  }

  @Test func `addresses and unix sockets are believed where they are listed`() throws {
    let address = try #require(IPAddress("127.0.0.1"))
    let addresses = TrustedProxies([try TrustedProxy("127.0.0.0/8")])
    let sockets = TrustedProxies([try TrustedProxy("unix")])
    #expect(addresses.contains(.address(address)) && !addresses.contains(.unixSocket))
    #expect(sockets.contains(.unixSocket) && !sockets.contains(.address(address)))
    #expect(!addresses.isEmpty && !sockets.isEmpty)
  }

  @Test func `who is behind a proxy without a name is not the proxy`() throws {
    let address = try #require(IPAddress("127.0.0.1"))
    let proxies = TrustedProxies([try TrustedProxy("127.0.0.1"), .unixSocket])
    #expect(!proxies.contains(.unnamed(behind: address)) && !proxies.contains(.unnamed(behind: nil)))
  }

  @Test func `an entry is written as it is read`() throws {
    for text in ["unix", "10.0.0.0/8", "::1"] { #expect(try TrustedProxy(text).description == text) }
    #expect(throws: AddressRangeError.address(given: "UNIX")) { try TrustedProxy("UNIX") }
  }

  @Test(arguments: [
    ("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n", ClientPeer.address(IPAddress(ipv4: 0xC000_0201))),
    ("PROXY UNKNOWN\r\n", .unnamed(behind: IPAddress(bits: 1))),
    ("\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0", .address(IPAddress(bits: 1))),
  ])
  func `a header says who the peer is`(header: String, peer: ClientPeer) throws {
    let header = try #require(try ProxyHeader.parse(Array(header.utf8).span))
    #expect(ClientPeer.address(IPAddress(bits: 1)).speakingFor(header) == peer)
    #expect(ClientPeer.unixSocket.speakingFor(header).address == (header.source == .proxy ? nil : peer.addressIfNamed))
  }
}

extension ClientPeer {
  fileprivate var addressIfNamed: IPAddress? {
    if case .address(let address) = self { address } else { nil }
  }
}
