// Version 2: sixteen bytes, addresses, extensions (section 2.2).

extension ProxyHeader {
  /// What the addresses look like that follow the first sixteen bytes.
  private enum Block {
    case ipv4, ipv6, unix
    /// Of a family or transport that the proxy could not name: nothing behind the length has a known form.
    case unspecified

    /// Reads the byte of family and transport; `nil` where there is no such combination.
    init?(_ byte: UInt8) {
      guard byte & 0x0F <= 2 else { return nil }
      switch (byte >> 4, byte & 0x0F) {
      case (0, _), (1...3, 0): self = .unspecified
      case (1, _): self = .ipv4
      case (2, _): self = .ipv6
      case (3, _): self = .unix
      default: return nil
      }
    }

    var byteCount: Int {
      switch self {
      case .ipv4: 12
      case .ipv6: 36
      case .unix: 216
      case .unspecified: 0
      }
    }
  }

  /// Where the addresses begin.
  private static let headBytes = 16
  /// The extension that holds a checksum of the whole header (section 2.2.3).
  private static let checksumType: UInt8 = 0x03

  /// Reads a header whose signature was seen as far as it has come.
  static func parseBinary(_ bytes: Span<UInt8>) throws(ProxyViolation) -> ProxyHeader? {
    guard bytes.count > 12 else { return nil }
    guard bytes[12] >> 4 == 2 else { throw .unsupportedVersion }
    guard bytes[12] & 0x0F <= 1 else { throw .unknownCommand }
    let isLocal = bytes[12] & 0x0F == 0
    guard bytes.count > 13 else { return nil }
    // The family of a connection of the proxy's own is to be ignored, and so is what follows.
    guard let block = isLocal ? .unspecified : Block(bytes[13]) else { throw .unknownFamily }
    guard bytes.count >= headBytes else { return nil }
    let end = headBytes + (Int(bytes[14]) << 8 | Int(bytes[15]))
    guard end <= longestBinary else { throw .headerTooLong(allowedBytes: longestBinary) }
    guard end - headBytes >= block.byteCount else { throw .addressesCutShort }
    guard bytes.count >= end else { return nil }
    if block != .unspecified {
      try checkExtensions(of: bytes.extracting(..<end), from: headBytes + block.byteCount)
    }
    let source = isLocal ? .proxy : source(in: bytes.extracting(headBytes..<end), block)
    return ProxyHeader(source: source, byteCount: end)
  }

  /// Who made the connection: source address, destination address, source port, destination port.
  private static func source(in bytes: Span<UInt8>, _ block: Block) -> Source {
    guard block == .ipv4 || block == .ipv6 else { return .unknown }
    let width = block == .ipv4 ? 4 : 16
    guard let address = IPAddress(bytes: bytes.extracting(..<width)) else { return .unknown }
    return .client(address, port: UInt16(bytes[2 * width]) << 8 | UInt16(bytes[2 * width + 1]))
  }

  /// Makes sure that the extensions, each a type, a length and a value, fill the rest of the header.
  private static func checkExtensions(of header: Span<UInt8>, from start: Int) throws(ProxyViolation) {
    var checksum: Range<Int>?
    var index = start
    while index < header.count {
      guard index + 3 <= header.count else { throw .malformedExtension }
      let value = index + 3..<index + 3 + (Int(header[index + 1]) << 8 | Int(header[index + 2]))
      guard value.upperBound <= header.count else { throw .malformedExtension }
      if header[index] == checksumType {
        guard value.count == 4, checksum == nil else { throw .malformedExtension }
        checksum = value
      }
      index = value.upperBound
    }
    guard let checksum else { return }
    var expected: UInt32 = 0
    for index in checksum { expected = expected << 8 | UInt32(header[index]) }
    guard CRC32C.checksum(of: header, zeros: checksum) == expected else { throw .wrongChecksum }
  }
}
