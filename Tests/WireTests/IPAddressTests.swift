import Bytes
import Support
import Testing
import Wire

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("0.0.0.0", "0.0.0.0"),
    ("192.0.2.1", "192.0.2.1"),
    ("255.255.255.255", "255.255.255.255"),
    ("::", "::"),
    ("::1", "::1"),
    ("1::", "1::"),
    ("0:0:0:0:0:0:0:1", "::1"),
    ("2001:DB8::00ff", "2001:db8::ff"),
    ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4"),
    ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ("::1.2.3.4", "::102:304"),
    // IPv4 in an IPv6 socket's clothes.
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("::FFFF:c000:0201", "192.0.2.1"),
    ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
    ("::ffff:0:192.0.2.1", "::ffff:0:c000:201"),
  ])
  func `an address has one form`(text: String, written: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == written)
    #expect(IPAddress(written) == address)
  }

  @Test(arguments: [
    "", " ", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.999", "01.2.3.4", "1.2.3.04", "1.2.3.00",
    "1.2.3.-4", "1.2.3.+4", "1..3.4", ".1.2.3", "1.2.3.", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "0x7f.0.0.1",
    "127.1", "2130706433", "1.2.3.4:80", "1.2.3.4/32", "1.2.3.٤", "１.2.3.4",
    "[::1]", ":", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "::g",
    "::1%eth0", "fe80::1%1", "fe80::1%25eth0", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:", "::1.2.3", "::1.2.3.4.5",
    "::01.2.3.4", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::ffff:1.2.3.256", "::1/128",
    String(repeating: "0", count: 46), String(repeating: ":", count: 1000),
  ])
  func `what is no address is none`(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test func `bytes and texts give the same values`() throws {
    #expect(IPAddress(bytes: ([192, 0, 2, 1] as [UInt8]).span) == IPAddress("192.0.2.1"))
    #expect(IPAddress(ipv4: 0xC000_0201) == IPAddress("192.0.2.1"))
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1]
    #expect(IPAddress(bytes: mapped.span) == IPAddress("192.0.2.1"))
    var loopback = [UInt8](repeating: 0, count: 16)
    loopback[15] = 1
    #expect(IPAddress(bytes: loopback.span) == IPAddress("::1"))
    #expect(IPAddress(bits: 1) == IPAddress("::1"))
    for count in [0, 3, 5, 15, 17] { #expect(IPAddress(bytes: [UInt8](repeating: 0, count: count).span) == nil) }
  }

  @Test func `an address knows its family`() throws {
    for text in ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"] { #expect(try #require(IPAddress(text)).isIPv4) }
    for text in ["::", "::1.2.3.4", "::fffe:1.2.3.4", "1::ffff:1.2.3.4"] {
      #expect(try !#require(IPAddress(text)).isIPv4)
    }
    #expect(MemoryLayout<IPAddress>.size == 16)
  }

  @Test func `every address is read as it is written`() throws {
    var random = SplitMix(1)
    for _ in 0..<20_000 {
      // Groups of zeros are what the short form is about.
      var bits: UInt128 = 0
      for _ in 0..<8 {
        bits = bits << 16 | (Bool.random(using: &random) ? UInt128(UInt16(truncatingIfNeeded: random.next())) : 0)
      }
      let address = IPAddress(bits: bits)
      #expect(IPAddress(address.description) == address)
      #expect(IPAddress(ipv4: UInt32(truncatingIfNeeded: bits)).isIPv4)
    }
  }

  @Test func `no text traps`() {
    var random = SplitMix(2)
    let letters = Array("0123456789abfF:::....%[]/ ".utf8)
    for _ in 0..<50_000 {
      let text = (0..<Int.random(in: 0...48, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0 }
      guard let address = IPAddress(text.span) else { continue }
      #expect(IPAddress(address.description) == address)
    }
  }
}
