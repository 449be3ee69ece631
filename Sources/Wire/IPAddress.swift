internal import Bytes

/// An IP address as a value of sixteen bytes.
///
/// IPv4 is kept as its IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2). So there is one value for `192.0.2.1` and
/// `::ffff:192.0.2.1`, which a dual-stack socket gives for the same client, and no rule can be evaded by the other form.
public struct IPAddress: Hashable, Sendable {
  /// The address as a number, first byte highest; IPv4 below `::ffff:0:0/96`.
  public let bits: UInt128

  /// The longest text of an address, in bytes: six full groups and a dotted IPv4 address.
  private static let longestText = 45
  private static let ipv4Prefix: UInt128 = 0xFFFF_0000_0000

  /// An IPv6 address by its number, first byte highest.
  public init(bits: UInt128) {
    self.bits = bits
  }

  /// An IPv4 address by its number, first byte highest.
  public init(ipv4: UInt32) {
    bits = IPAddress.ipv4Prefix | UInt128(ipv4)
  }

  /// An address as it stands in packets and socket addresses.
  ///
  /// - Parameter bytes: 4 or 16 bytes in network order; `nil` for any other number.
  public init?(bytes: Span<UInt8>) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var bits: UInt128 = bytes.count == 4 ? 0xFFFF : 0
    for index in bytes.indices { bits = bits << 8 | UInt128(bytes[index]) }
    self.bits = bits
  }

  /// Reads an address without brackets, port or zone; `nil` for everything else, names included.
  ///
  /// IPv4 is four decimal numbers without leading zeros, which some readers take for octal ones; IPv6 has the forms of
  /// RFC 4291 §2.2.
  public init?(_ text: Span<UInt8>) {
    guard let address = IPAddress(ipv4Text: text) ?? IPAddress(ipv6Text: text) else { return nil }
    self = address
  }

  /// Reads an address without brackets, port or zone; `nil` for everything else, names included.
  public init?(_ text: String) {
    self.init(Array(text.utf8).span)
  }

  /// Whether this is an IPv4 address.
  public var isIPv4: Bool { bits >> 32 == 0xFFFF }
}

// Reading.
extension IPAddress {
  /// Reads a dotted IPv4 address alone.
  init?(ipv4Text text: Span<UInt8>) {
    guard text.count <= 15, let value = IPAddress.dottedQuad(text, from: 0) else { return nil }
    self.init(ipv4: value)
  }

  /// Reads an IPv6 address alone.
  init?(ipv6Text text: Span<UInt8>) {
    guard text.count <= IPAddress.longestText, IPv6Text.isAddress(text) else { return nil }
    bits = IPAddress.value(ofIPv6: text)
  }

  private static func dottedQuad(_ text: Span<UInt8>, from start: Int) -> UInt32? {
    var value: UInt32 = 0
    var index = start
    for number in 0..<4 {
      if number > 0 {
        guard index < text.count, text[index] == UInt8(ascii: ".") else { return nil }
        index += 1
      }
      let first = index
      var octet = 0
      while index < text.count, index - first < 3, let digit = ASCII.digit(text[index]) {
        octet = octet * 10 + digit
        index += 1
      }
      guard index > first, octet <= 255, index - first == 1 || text[first] != UInt8(ascii: "0") else { return nil }
      value = value << 8 | UInt32(octet)
    }
    return index == text.count ? value : nil
  }

  /// The value of a text that is an address.
  private static func value(ofIPv6 text: Span<UInt8>) -> UInt128 {
    var bits: UInt128 = 0
    var groups = 0
    var groupsBeforeGap: Int?
    var index = 0
    while index < text.count {
      guard text[index] != ASCII.colon else {
        index += 1
        if index < text.count, text[index] == ASCII.colon { groupsBeforeGap = groups }
        continue
      }
      let start = index
      var group: UInt128 = 0
      while index < text.count, let digit = ASCII.hexDigit(text[index]) {
        group = group << 4 | UInt128(digit)
        index += 1
      }
      if index < text.count, text[index] == UInt8(ascii: "."), let value = dottedQuad(text, from: start) {
        bits = bits << 32 | UInt128(value)
        groups += 2
        break
      }
      bits = bits << 16 | group
      groups += 1
    }
    guard let groupsBeforeGap else { return bits }
    let tailBits = 16 * (groups - groupsBeforeGap)
    let head = (bits >> tailBits) << (128 - 16 * groupsBeforeGap)
    return head | bits & ((1 << tailBits) - 1)
  }
}

extension IPAddress: CustomStringConvertible {
  /// The address in its one canonical form, without brackets (RFC 5952 §4).
  public var description: String {
    if isIPv4 { return (0..<4).map { "\(UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)))" }.joined(separator: ".") }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
    func text(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    let gap = IPAddress.longestGap(in: groups)
    return gap.isEmpty ? text(0..<8) : text(0..<gap.lowerBound) + "::" + text(gap.upperBound..<8)
  }

  /// The first longest run of two or more groups of zeros.
  private static func longestGap(in groups: [UInt16]) -> Range<Int> {
    var longest = 0..<0
    var start = 0
    while start < groups.count {
      let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
      if end - start > max(longest.count, 1) { longest = start..<end }
      start = end + 1
    }
    return longest
  }
}
