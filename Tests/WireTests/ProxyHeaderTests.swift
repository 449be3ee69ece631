import Bytes
import Support
import Testing

@testable import Wire

/// What a connection's first bytes led to, in a form that compares.
enum ProxyOutcome: Equatable {
  case incomplete
  case header(ProxyHeader)
  case refused(ProxyViolation)

  /// Gives the bytes up to each of the ends, in order, until something is decided.
  init(_ bytes: [UInt8], ends: [Int]) {
    self = .incomplete
    do throws(ProxyViolation) {
      for end in ends {
        guard let header = try ProxyHeader.parse(bytes.span.extracting(..<end)) else { continue }
        self = .header(header)
        return
      }
    } catch {
      self = .refused(error)
    }
  }
}

/// Bytes that a connection begins with, and what they mean.
struct ProxySample: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  let outcome: ProxyOutcome

  var testDescription: String { name.debugDescription }

  static func line(_ text: String, _ outcome: ProxyOutcome) -> ProxySample {
    ProxySample(name: text, bytes: Array(text.utf8), outcome: outcome)
  }

  static func line(_ text: String, _ source: ProxyHeader.Source) -> ProxySample {
    let bytes = Array(text.utf8)
    return ProxySample(
      name: text, bytes: bytes, outcome: .header(ProxyHeader(source: source, byteCount: bytes.count)))
  }

  static func binary(_ name: String, _ bytes: [UInt8], _ outcome: ProxyOutcome) -> ProxySample {
    ProxySample(name: name, bytes: bytes, outcome: outcome)
  }

  static func binary(_ name: String, _ bytes: [UInt8], _ source: ProxyHeader.Source) -> ProxySample {
    binary(name, bytes, .header(ProxyHeader(source: source, byteCount: bytes.count)))
  }
}

@Suite struct ProxyHeaderTests {
  static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

  /// A header of version 2 whose length is that of its block.
  static func binary(_ command: UInt8, _ family: UInt8, _ block: [UInt8], length: Int? = nil) -> [UInt8] {
    let length = length ?? block.count
    return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + block
  }

  static func address(_ text: String) -> IPAddress {
    IPAddress(text) ?? IPAddress(bits: 0)
  }

  static let ipv4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB]
  static let ipv6: [UInt8] =
    [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1] + [UInt8](repeating: 0xFF, count: 16)
    + [0x00, 0x01, 0x00, 0x02]
  static let unix = [UInt8](repeating: 0x61, count: 216)
  static let client = ProxyHeader.Source.client(address("192.0.2.1"), port: 56324)

  static let good: [ProxySample] = [
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", client),
    .line(
      "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", .client(address("255.255.255.255"), port: 65535)),
    .line("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", .client(address("0.0.0.0"), port: 0)),
    .line("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", .client(address("2001:db8::1"), port: 1)),
    .line("PROXY TCP6 ::FFFF:192.0.2.1 ::1 56324 2\r\n", client),
    .line(
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      .client(address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), port: 65535)),
    .line("PROXY UNKNOWN\r\n", .unknown),
    .line("PROXY UNKNOWN \r\n", .unknown),
    .line("PROXY UNKNOWN whatever  this is\0\r\n", .unknown),
    .line(
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
      .unknown),
    .binary("local", binary(0x20, 0x00, []), .proxy),
    .binary("local with addresses", binary(0x20, 0x11, ipv4), .proxy),
    .binary("local of no known family", binary(0x20, 0xFF, [1, 2, 3]), .proxy),
    .binary("tcp over ipv4", binary(0x21, 0x11, ipv4), client),
    .binary("udp over ipv4", binary(0x21, 0x12, ipv4), client),
    .binary("tcp over ipv6", binary(0x21, 0x21, ipv6), .client(address("2001:db8::1"), port: 1)),
    .binary("udp over ipv6", binary(0x21, 0x22, ipv6), .client(address("2001:db8::1"), port: 1)),
    .binary("unix stream", binary(0x21, 0x31, unix), .unknown),
    .binary("unix datagram", binary(0x21, 0x32, unix), .unknown),
    .binary("unspecified", binary(0x21, 0x00, []), .unknown),
    .binary("unspecified with bytes", binary(0x21, 0x01, [9, 9, 9]), .unknown),
    .binary("ipv4 over what", binary(0x21, 0x10, []), .unknown),
    .binary(
      "with extensions", binary(0x21, 0x11, ipv4 + [0x04, 0, 0] + [0x20, 0, 2, 1, 2] + [0xE0, 0, 1, 0]), client),
    .binary(
      "as long as allowed", binary(0x21, 0x11, ipv4 + [0x04, 0x0F, 0xE1] + [UInt8](repeating: 0, count: 4065)), client),
  ]

  static let bad: [ProxySample] = [
    .line("GET / HTTP/1.1\r\n\r\n", .refused(.notAHeader)),
    .line("POST / HTTP/1.1\r\n\r\n", .refused(.notAHeader)),
    .line("PROPFIND / HTTP/1.1\r\n\r\n", .refused(.notAHeader)),
    .line("proxy TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", .refused(.notAHeader)),
    .line(" PROXY UNKNOWN\r\n", .refused(.notAHeader)),
    .line("\nPROXY UNKNOWN\r\n", .refused(.notAHeader)),
    .line("\r\nPROXY UNKNOWN\r\n", .refused(.notAHeader)),
    .line("PROXY\tUNKNOWN\r\n", .refused(.notAHeader)),
    .line("PROXYTCP4\r\n", .refused(.notAHeader)),
    .line("PROXY \r\n", .refused(.unknownProtocol)),
    .line("PROXY  UNKNOWN\r\n", .refused(.unknownProtocol)),
    .line("PROXY UNKNOWNS\r\n", .refused(.unknownProtocol)),
    .line("PROXY unknown\r\n", .refused(.unknownProtocol)),
    .line("PROXY TCP 192.0.2.1 198.51.100.1 1 2\r\n", .refused(.unknownProtocol)),
    .line("PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n", .refused(.unknownProtocol)),
    .line("PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n", .refused(.unknownProtocol)),
    .line("PROXY TCP4\r\n", .refused(.malformedLine)),
    .line("PROXY TCP4 192.0.2.1\r\n", .refused(.malformedLine)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n", .refused(.malformedLine)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n", .refused(.malformedLine)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n", .refused(.malformedLine)),
    .line("PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n", .refused(.malformedLine)),
    .line("PROXY TCP4  192.0.2.1 198.51.100.1 1\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP4\t192.0.2.1 198.51.100.1 1 2\r\n", .refused(.unknownProtocol)),
    .line("PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP4 192.0.2.1 198.51.100 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP4 ::1 ::1 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP4 ::ffff:192.0.2.1 198.51.100.1 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP6 ::1 192.0.2.1 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP6 [::1] ::1 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP6 fe80::1%lo ::1 1 2\r\n", .refused(.malformedAddress)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 1 99999\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 00 2\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 1 0x2\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 1 100000\r\n", .refused(.malformedPort)),
    .line("PROXY TCP4 192.0.2.1 198.51.100.1 \u{20}2\r\n", .refused(.malformedPort)),
    .line("PROXY UNKNOWN\n", .refused(.malformedLineEnd)),
    .line("PROXY UNKNOWN\r", .incomplete),
    .line("PROXY UNKNOWN\rX\r\n", .refused(.malformedLineEnd)),
    .line("PROXY UNKNOWN\r\r\n", .refused(.malformedLineEnd)),
    .line("PROXY TCP4 192.0.2.1\n198.51.100.1 1 2\r\n", .refused(.malformedLineEnd)),
    .line("PROXY UNKNOWN " + String(repeating: "x", count: 92), .refused(.lineTooLong(allowedBytes: 107))),
    .line("PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n", .refused(.lineTooLong(allowedBytes: 107))),
    .binary(
      "another signature", Array(signature.dropLast()) + [0x0B, 0x21, 0x11, 0, 12] + ipv4, .refused(.notAHeader)),
    .binary("version 1 in binary", binary(0x11, 0x11, ipv4), .refused(.unsupportedVersion)),
    .binary("version 3", binary(0x31, 0x11, ipv4), .refused(.unsupportedVersion)),
    .binary("command 2", binary(0x22, 0x11, ipv4), .refused(.unknownCommand)),
    .binary("command 15", binary(0x2F, 0x11, ipv4), .refused(.unknownCommand)),
    .binary("family 4", binary(0x21, 0x41, ipv4), .refused(.unknownFamily)),
    .binary("transport 3", binary(0x21, 0x13, ipv4), .refused(.unknownFamily)),
    .binary("transport 3 of no family", binary(0x21, 0x03, []), .refused(.unknownFamily)),
    .binary("ipv4 cut short", binary(0x21, 0x11, Array(ipv4.dropLast())), .refused(.addressesCutShort)),
    .binary("ipv6 cut short", binary(0x21, 0x21, Array(ipv6.dropLast())), .refused(.addressesCutShort)),
    .binary("unix cut short", binary(0x21, 0x31, Array(unix.dropLast())), .refused(.addressesCutShort)),
    .binary("nothing of ipv4", binary(0x21, 0x11, []), .refused(.addressesCutShort)),
    .binary("not all there", binary(0x21, 0x11, ipv4, length: 13), .incomplete),
    .binary("too long", binary(0x21, 0x11, ipv4, length: 4081), .refused(.headerTooLong(allowedBytes: 4096))),
    .binary("local and too long", binary(0x20, 0x00, [], length: 0xFFFF), .refused(.headerTooLong(allowedBytes: 4096))),
    .binary("half an extension", binary(0x21, 0x11, ipv4 + [4]), .refused(.malformedExtension)),
    .binary("an extension without length", binary(0x21, 0x11, ipv4 + [4, 0]), .refused(.malformedExtension)),
    .binary("an extension too long", binary(0x21, 0x11, ipv4 + [4, 0, 1]), .refused(.malformedExtension)),
    .binary("an extension far too long", binary(0x21, 0x21, ipv6 + [4, 0xFF, 0xFF]), .refused(.malformedExtension)),
    .binary("a checksum of 3 bytes", binary(0x21, 0x11, ipv4 + [3, 0, 3, 0, 0, 0]), .refused(.malformedExtension)),
    .binary("a wrong checksum", binary(0x21, 0x11, ipv4 + [3, 0, 4, 1, 2, 3, 4]), .refused(.wrongChecksum)),
  ]

  @Test(arguments: good + bad)
  func `a header means the same however it is cut, and whatever follows it`(sample: ProxySample) {
    for bytes in [sample.bytes, sample.bytes + Array("GET / HTTP/1.1\r\n".utf8)] {
      let count = bytes.count
      // An incomplete one goes on with what follows.
      guard bytes.count == sample.bytes.count || sample.outcome != .incomplete else { continue }
      #expect(ProxyOutcome(bytes, ends: [count]) == sample.outcome)
      for cut in 0...count { #expect(ProxyOutcome(bytes, ends: [cut, count]) == sample.outcome) }
      #expect(ProxyOutcome(bytes, ends: Array(0...count)) == sample.outcome)
    }
  }

  @Test(arguments: good)
  func `a header is complete with its last byte`(sample: ProxySample) {
    for end in sample.bytes.indices { #expect(ProxyOutcome(sample.bytes, ends: [end]) == .incomplete) }
  }

  @Test func `a checksum that is right passes and one bit elsewhere fails it`() throws {
    for block in [Self.ipv4 + [3, 0, 4, 0, 0, 0, 0] + [4, 0, 1, 7], Self.ipv6 + [4, 0, 0] + [3, 0, 4, 0, 0, 0, 0]] {
      var bytes = Self.binary(0x21, block.count > 40 ? 0x21 : 0x11, block)
      let place = try #require((16...bytes.count - 7).first { Array(bytes[$0..<$0 + 3]) == [3, 0, 4] }) + 3
      let checksum = CRC32C.checksum(of: bytes.span, zeros: place..<place + 4)
      for (index, shift) in [24, 16, 8, 0].enumerated() {
        bytes[place + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(shift))
      }
      #expect(throws: Never.self) { try ProxyHeader.parse(bytes.span) }
      for index in Array(16..<place - 3) + Array(place..<place + 4) {
        bytes[index] ^= 1
        // The type and length of another extension would change what the header is made of.
        if index < 16 + 12 || index >= place {
          #expect(ProxyOutcome(bytes, ends: [bytes.count]) == .refused(.wrongChecksum))
        }
        bytes[index] ^= 1
      }
      let twice = bytes.prefix(14) + [0, UInt8(bytes.count - 16 + 7)] + bytes[16...] + [3, 0, 4, 0, 0, 0, 0]
      #expect(ProxyOutcome(Array(twice), ends: [twice.count]) == .refused(.malformedExtension))
    }
  }

  @Test func `the checksum is the one of the standard`() {
    // The check value of this polynomial in catalogues, and two of RFC 3720 B.4.
    #expect(CRC32C.checksum(of: Array("123456789".utf8).span, zeros: 0..<0) == 0xE306_9283)
    #expect(CRC32C.checksum(of: [UInt8](repeating: 0, count: 32).span, zeros: 0..<0) == 0x8A91_36AA)
    #expect(CRC32C.checksum(of: [UInt8](repeating: 0xFF, count: 32).span, zeros: 0..<0) == 0x62A8_AB43)
    #expect(CRC32C.checksum(of: [UInt8](repeating: 0xFF, count: 32).span, zeros: 0..<32) == 0x8A91_36AA)
  }

  @Test func `a header with any byte replaced means the same however it is cut`() {
    var random = SplitMix(1)
    for sample in Self.good where sample.bytes.count < 300 {
      for place in sample.bytes.indices {
        var bytes = sample.bytes
        bytes[place] = UInt8(truncatingIfNeeded: random.next())
        let whole = ProxyOutcome(bytes, ends: [bytes.count])
        #expect(ProxyOutcome(bytes, ends: Array(0...bytes.count)) == whole)
        if case .header(let header) = whole { #expect(header.byteCount <= bytes.count) }
      }
    }
  }

  @Test(arguments: good)
  func `a listener for requests refuses a header as it does any bad request`(sample: ProxySample) {
    var parser = RequestHeadParser(limits: HeadLimits(headBytes: 16384, targetBytes: 8192))
    let bytes = sample.bytes + Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    do throws(HTTPViolation) {
      let head = try parser.parse(bytes.span)
      Issue.record("read \(String(describing: head))")
    } catch {
      #expect(error.status == 400)
    }
  }

  @Test func `every defect has words`() {
    let words = Self.bad.compactMap { sample in
      if case .refused(let violation) = sample.outcome { violation.reason } else { nil }
    }
    for reason in words { #expect(reason.first?.isLowercase == true && reason.last != ".") }
    #expect(Set(words).count == 14)
  }
}
