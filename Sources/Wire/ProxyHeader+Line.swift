internal import Bytes

// Version 1: one line of text (section 2.1).

extension ProxyHeader {
  /// Reads a line behind its signature.
  static func parseLine(_ bytes: Span<UInt8>, from start: Int) throws(ProxyViolation) -> ProxyHeader? {
    guard let end = try lineEnd(in: bytes, from: start) else { return nil }
    let line = bytes.extracting(start..<end)
    let words = words(of: line)
    let name = line.extracting(words[0])
    // What follows UNKNOWN must be ignored.
    if name.equals("UNKNOWN") { return ProxyHeader(source: .unknown, byteCount: end + 2) }
    let isIPv4 = name.equals("TCP4")
    guard isIPv4 || name.equals("TCP6") else { throw .unknownProtocol }
    guard words.count == 5 else { throw .malformedLine }
    let source = try address(line.extracting(words[1]), isIPv4: isIPv4)
    _ = try address(line.extracting(words[2]), isIPv4: isIPv4)
    let port = try port(line.extracting(words[3]))
    _ = try ProxyHeader.port(line.extracting(words[4]))
    return ProxyHeader(source: .client(source, port: port), byteCount: end + 2)
  }

  /// Where the CR of the line end is; `nil` where it has not come whole.
  private static func lineEnd(in bytes: Span<UInt8>, from start: Int) throws(ProxyViolation) -> Int? {
    // The last place for a CR leaves one for the LF.
    let last = longestLine - 2
    for index in start..<min(bytes.count, last + 1) {
      if bytes[index] == ASCII.lineFeed { throw .malformedLineEnd }
      guard bytes[index] == ASCII.carriageReturn else { continue }
      guard index + 1 < bytes.count else { return nil }
      guard bytes[index + 1] == ASCII.lineFeed else { throw .malformedLineEnd }
      return index
    }
    if bytes.count > last { throw .lineTooLong(allowedBytes: longestLine) }
    return nil
  }

  /// What stands between single spaces; two in a row have an empty word between them.
  private static func words(of line: Span<UInt8>) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start = 0
    while let space = line.firstIndex(of: ASCII.space, from: start) {
      words.append(start..<space)
      start = space + 1
    }
    words.append(start..<line.count)
    return words
  }

  private static func address(_ text: Span<UInt8>, isIPv4: Bool) throws(ProxyViolation) -> IPAddress {
    guard let address = isIPv4 ? IPAddress(ipv4Text: text) : IPAddress(ipv6Text: text) else {
      throw .malformedAddress
    }
    return address
  }

  private static func port(_ text: Span<UInt8>) throws(ProxyViolation) -> UInt16 {
    guard (1...5).contains(text.count), text.count == 1 || text[0] != UInt8(ascii: "0") else { throw .malformedPort }
    var value = 0
    for index in text.indices {
      guard let digit = ASCII.digit(text[index]) else { throw .malformedPort }
      value = value * 10 + digit
    }
    guard let port = UInt16(exactly: value) else { throw .malformedPort }
    return port
  }
}
