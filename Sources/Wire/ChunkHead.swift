internal import Bytes

/// The line before the bytes of a chunk: its size and extensions (RFC 9112 §7.1), a byte at a time.
struct ChunkHead {
  private enum Phase { case size, blank, chunkExtension, lineFeed }

  /// The most digits of a size, leading zeros included.
  static let mostDigits = 16
  /// The most bytes from the end of the size to the end of the line; extensions are dropped, nobody needs more.
  static let longestExtension = 256

  private var phase = Phase.size
  private var size: UInt64 = 0
  private var digits = 0
  private var extensionBytes = 0

  /// Goes on in the input and moves the offset past what was understood.
  ///
  /// - Returns: the size once the line is complete, after which the next one may be read; `nil` where more is needed.
  mutating func read(_ input: Span<UInt8>, at offset: inout Int) throws(HTTPViolation) -> UInt64? {
    while offset < input.count {
      let byte = input[offset]
      switch phase {
      case .size: try readSize(byte)
      case .blank: try readBlank(byte)
      case .chunkExtension: try readExtension(byte)
      case .lineFeed:
        try FieldScanner.passLineFeed(byte, at: &offset)
        let complete = size
        self = ChunkHead()
        return complete
      }
      offset &+= 1
    }
    return nil
  }

  private mutating func readSize(_ byte: UInt8) throws(HTTPViolation) {
    if let digit = ASCII.hexDigit(byte) {
      guard digits < ChunkHead.mostDigits, size < 1 &<< 59 else { throw .chunkSizeOverflow }
      size = size &<< 4 | UInt64(digit)
      digits += 1
      return
    }
    guard digits > 0 else { throw byte == ASCII.lineFeed ? .bareLineFeed : .malformedChunkSize }
    phase = .blank
    try readBlank(byte)
  }

  /// White space may stand before an extension (RFC 9112 §7.1.1), but not before the end of the line.
  private mutating func readBlank(_ byte: UInt8) throws(HTTPViolation) {
    switch byte {
    case UInt8(ascii: ";"): phase = .chunkExtension
    case ASCII.carriageReturn where extensionBytes == 0:
      phase = .lineFeed
      return
    case ASCII.space, ASCII.tab: break
    case ASCII.lineFeed: throw .bareLineFeed
    default: throw .malformedChunkSize
    }
    try countExtensionByte()
  }

  private mutating func readExtension(_ byte: UInt8) throws(HTTPViolation) {
    switch byte {
    case ASCII.carriageReturn:
      phase = .lineFeed
      return
    case ASCII.lineFeed: throw .bareLineFeed
    case ASCII.tab: break
    case ..<0x20, 0x7F: throw .malformedChunkSize
    default: break
    }
    try countExtensionByte()
  }

  private mutating func countExtensionByte() throws(HTTPViolation) {
    guard extensionBytes < ChunkHead.longestExtension else {
      throw .chunkExtensionTooLong(allowedBytes: ChunkHead.longestExtension)
    }
    extensionBytes += 1
  }
}
