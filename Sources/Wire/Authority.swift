internal import Bytes

/// The host and port of a request, as `Host` or an absolute target give them (RFC 9110 §7.2, RFC 3986 §3.2).
///
/// Stricter than the grammar, which lets a registered name hold nearly anything: only letters, digits, hyphens, dots,
/// underscores and tildes, no empty label but a last one, at most 255 bytes; or a dotted IPv4 address, which is such a
/// name too; or an IPv6 address in brackets without a zone. A port has one to five digits and lies within 1 to 65535.
struct Authority: Sendable {
  /// Host and port, the host in lower case.
  let text: String
  /// The host alone, in lower case.
  let host: String

  /// The longest host name, in bytes (RFC 1035 §3.1).
  private static let longestHost = 255

  /// Reads a value.
  init(_ bytes: Span<UInt8>) throws(HTTPViolation) {
    let hostEnd = try Authority.hostEnd(in: bytes)
    guard hostEnd > 0, hostEnd <= Authority.longestHost else { throw .malformedHost }
    if hostEnd < bytes.count { try Authority.checkPort(bytes.extracting((hostEnd + 1)...)) }
    let text = Authority.lowercased(bytes)
    self.text = text
    host = hostEnd == bytes.count ? text : Authority.lowercased(bytes.extracting(..<hostEnd))
  }

  /// Where the host ends, which is the end or a colon.
  private static func hostEnd(in bytes: Span<UInt8>) throws(HTTPViolation) -> Int {
    guard bytes.firstIndex(of: 0x40) == nil else { throw .userinfoInAuthority }
    guard !bytes.isEmpty else { throw .malformedHost }
    return bytes[0] == UInt8(ascii: "[") ? try literalEnd(in: bytes) : try nameEnd(in: bytes)
  }

  private static func nameEnd(in bytes: Span<UInt8>) throws(HTTPViolation) -> Int {
    var isLabelEmpty = true
    var index = 0
    while true {
      let end = bytes.firstMark(from: index) { $0.neitherLetterNorHyphen }
      if end > index { isLabelEmpty = false }
      index = end
      guard index < bytes.count, bytes[index] != UInt8(ascii: ":") else { return index }
      let byte = bytes[index]
      if byte == UInt8(ascii: ".") {
        guard !isLabelEmpty else { throw .malformedHost }
        isLabelEmpty = true
      } else {
        guard isNameCharacter(byte) else { throw .malformedHost }
        isLabelEmpty = false
      }
      index &+= 1
    }
  }

  @inline(__always)
  private static func isNameCharacter(_ byte: UInt8) -> Bool {
    // One bit a character, as in `Token`: digits and hyphen; letters, underscore and tilde.
    let bits: UInt64 = byte & 0x40 == 0 ? 0x03FF_2000_0000_0000 : 0x47FF_FFFE_87FF_FFFE
    return byte < 0x80 && bits &>> UInt64(byte & 0x3F) & 1 != 0
  }

  private static func literalEnd(in bytes: Span<UInt8>) throws(HTTPViolation) -> Int {
    guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")),
      IPv6Text.isAddress(bytes.extracting(1..<bracket)),
      bracket + 1 == bytes.count || bytes[bracket + 1] == UInt8(ascii: ":")
    else { throw .malformedHost }
    return bracket + 1
  }

  private static func checkPort(_ digits: Span<UInt8>) throws(HTTPViolation) {
    guard (1...5).contains(digits.count) else { throw .malformedHost }
    var port = 0
    for index in digits.indices {
      guard let digit = ASCII.digit(digits[index]) else { throw .malformedHost }
      port = port * 10 + digit
    }
    guard (1...65535).contains(port) else { throw .malformedHost }
  }

  private static func lowercased(_ bytes: Span<UInt8>) -> String {
    for index in bytes.indices where ASCII.lowercased(bytes[index]) != bytes[index] {
      var lower: [UInt8] = []
      lower.append(bytes)
      for index in lower.indices { lower[index] = ASCII.lowercased(lower[index]) }
      return String(lower.span)
    }
    return String(bytes)
  }
}
