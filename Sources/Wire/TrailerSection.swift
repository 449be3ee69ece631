internal import Bytes

/// The fields after the last chunk (RFC 9112 §7.1.2), read a byte at a time and dropped.
struct TrailerSection {
  private enum Phase { case lineStart, name, value, lineFeed, lastLineFeed }

  /// The most bytes, line ends included.
  static let mostBytes = 8192

  private var phase = Phase.lineStart
  private var bytes = 0

  /// Goes on in the input and moves the offset past what was understood.
  ///
  /// - Returns: whether the empty line was passed.
  mutating func read(_ input: Span<UInt8>, at offset: inout Int) throws(HTTPViolation) -> Bool {
    while offset < input.count {
      guard bytes < TrailerSection.mostBytes else { throw .trailersTooLarge(allowedBytes: TrailerSection.mostBytes) }
      let byte = input[offset]
      switch phase {
      case .lineStart: try readLineStart(byte)
      case .name: try readName(byte)
      case .value: try readValue(byte)
      case .lineFeed, .lastLineFeed: guard byte == ASCII.lineFeed else { throw .bareCarriageReturn }
      }
      offset &+= 1
      bytes += 1
      if byte == ASCII.lineFeed {
        if phase == .lastLineFeed { return true }
        phase = .lineStart
      }
    }
    return false
  }

  private mutating func readLineStart(_ byte: UInt8) throws(HTTPViolation) {
    switch byte {
    case ASCII.carriageReturn: phase = .lastLineFeed
    case ASCII.space, ASCII.tab: throw .foldedField
    case ASCII.colon: throw .emptyFieldName
    default:
      phase = .name
      try readName(byte)
    }
  }

  private mutating func readName(_ byte: UInt8) throws(HTTPViolation) {
    switch byte {
    case ASCII.colon: phase = .value
    case ASCII.space, ASCII.tab: throw .spaceInFieldName
    case ASCII.carriageReturn: throw .fieldWithoutColon
    case ASCII.lineFeed: throw .bareLineFeed
    default: guard Token.contains(byte) else { throw .malformedFieldName }
    }
  }

  private mutating func readValue(_ byte: UInt8) throws(HTTPViolation) {
    switch byte {
    case ASCII.carriageReturn: phase = .lineFeed
    case ASCII.lineFeed: throw .bareLineFeed
    case ASCII.tab: break
    case 0: throw .nulInField
    case ..<0x20, 0x7F: throw .controlInField
    default: break
    }
  }
}
