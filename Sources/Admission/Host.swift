import Bytes

/// The host of an origin, a `Host` field or an endpoint: a registered name or a numeric address.
///
/// Two texts for the same host become equal values: letters in lower case, addresses as numbers. A name's trailing
/// dot stays, because browsers take `example.com.` for another host than `example.com`.
public enum Host: Sendable, Hashable {
  /// A name in lower case, in its ASCII form; at most 253 bytes and 63 a label.
  case name(String)
  /// An IPv4 address, first octet highest.
  case ipv4(UInt32)
  /// An IPv6 address, first group highest.
  case ipv6(UInt128)

  /// Reads a host as it stands in a URI: IPv6 addresses in brackets, IPv4 as four decimal numbers.
  ///
  /// `nil` for everything else, also for names outside ASCII and for the shortened or hexadecimal IPv4 addresses, which
  /// browsers spell out before they send them (WHATWG URL, host parsing).
  ///
  /// - Parameter text: the host alone, without port.
  public init?(_ text: some StringProtocol) {
    if text.hasPrefix("[") {
      guard text.hasSuffix("]"), let value = Host.ipv6Value(text.dropFirst().dropLast()) else { return nil }
      self = .ipv6(value)
    } else if Host.endsInNumber(text) {
      guard let value = Host.ipv4Value(text) else { return nil }
      self = .ipv4(value)
    } else {
      guard Host.isName(text) else { return nil }
      self = .name(text.lowercased())
    }
  }
}

extension Host: CustomStringConvertible {
  /// The host as browsers write it: IPv6 in brackets, shortened (WHATWG URL, host serializing).
  public var description: String {
    switch self {
    case .name(let name): name
    case .ipv4, .ipv6: isIPv6 ? "[\(address)]" : address
    }
  }

  /// The name, or the address without brackets, as resolvers and socket calls take it.
  public var address: String {
    switch self {
    case .name(let name): name
    case .ipv4(let value): (0..<4).map { String(value >> (24 - 8 * $0) & 0xff) }.joined(separator: ".")
    case .ipv6(let value): Host.ipv6Text(value)
    }
  }

  private var isIPv6: Bool {
    if case .ipv6 = self { true } else { false }
  }
}

// Names and IPv4

extension Host {
  private static func isName(_ text: some StringProtocol) -> Bool {
    let name = text.hasSuffix(".") ? text.dropLast() : text[...]
    guard name.utf8.count <= 253 else { return false }
    return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.count) && label.allSatisfy(isNameByte)
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// Whether the last label is a number, in which case no browser would look the text up as a name.
  private static func endsInNumber(_ text: some StringProtocol) -> Bool {
    let name = text.hasSuffix(".") ? text.dropLast() : text[...]
    guard let last = name.split(separator: ".", omittingEmptySubsequences: false).last, !last.isEmpty else {
      return false
    }
    let isHexadecimal = last.hasPrefix("0x") || last.hasPrefix("0X")
    return isHexadecimal || last.utf8.allSatisfy { ASCII.digit($0) != nil }
  }

  private static func ipv4Value(_ text: some StringProtocol) -> UInt32? {
    let octets = text.split(separator: ".", omittingEmptySubsequences: false)
    guard octets.count == 4 else { return nil }
    var value: UInt32 = 0
    for octet in octets {
      guard (1...3).contains(octet.utf8.count), octet.utf8.allSatisfy({ ASCII.digit($0) != nil }),
        octet.utf8.count == 1 || !octet.hasPrefix("0"), let number = UInt8(octet)
      else { return nil }
      value = value << 8 | UInt32(number)
    }
    return value
  }
}

// IPv6 (RFC 4291 §2.2)

extension Host {
  private static func ipv6Value(_ text: some StringProtocol) -> UInt128? {
    guard let gap = text.firstRange(of: "::") else {
      guard let groups = groups(text), groups.count == 8 else { return nil }
      return joined(groups)
    }
    let before = text[..<gap.lowerBound]
    let after = text[gap.upperBound...]
    guard let head = before.isEmpty ? [] : groups(before), let tail = after.isEmpty ? [] : groups(after),
      head.count + tail.count < 8, !before.contains(".")
    else { return nil }
    return joined(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
  }

  /// The 16-bit groups of a text without `::`; its end may be an IPv4 address, which counts as two.
  private static func groups(_ text: some StringProtocol) -> [UInt16]? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, part.contains("."), let value = ipv4Value(part) {
        groups += [UInt16(value >> 16), UInt16(value & 0xffff)]
        continue
      }
      guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ ASCII.hexDigit($0) != nil }),
        let group = UInt16(part, radix: 16)
      else { return nil }
      groups.append(group)
    }
    return groups.count <= 8 ? groups : nil
  }

  private static func joined(_ groups: [UInt16]) -> UInt128 {
    groups.reduce(0) { $0 << 16 | UInt128($1) }
  }

  /// The groups in lower case, the first longest run of two or more zero groups as `::`.
  private static func ipv6Text(_ value: UInt128) -> String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)) }
    var longest = 0..<0
    var start = 0
    while start < 8 {
      let end = groups[start...].firstIndex { $0 != 0 } ?? 8
      if end - start > max(longest.count, 1) { longest = start..<end }
      start = end + 1
    }
    func text(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    return longest.isEmpty ? text(0..<8) : text(0..<longest.lowerBound) + "::" + text(longest.upperBound..<8)
  }
}
