/// What a proxy that only moves bytes says of a connection before the first of them: the PROXY protocol, versions 1 and 2.
///
/// Everybody can write such a header, so it is read only where a listener is set to expect it, from a peer that is
/// trusted, and then it must be there: whether there is one is never guessed.
public struct ProxyHeader: Equatable, Sendable {
  /// On whose behalf the connection was made.
  public enum Source: Equatable, Sendable {
    /// The proxy's own, such as a health check (LOCAL).
    case proxy
    /// A client with this address and port, TCP or UDP.
    case client(IPAddress, port: UInt16)
    /// Somebody without an IP address, or with one that the proxy does not know (UNKNOWN, AF_UNSPEC, AF_UNIX).
    ///
    /// The connection counts as the proxy's own (section 2), but what is said on it is not the proxy's word.
    case unknown
  }

  /// On whose behalf the connection was made.
  public let source: Source
  /// How many bytes the header took; those of the client begin there.
  public let byteCount: Int

  /// The longest header of version 1, with its line end, in bytes (section 2.1).
  public static let longestLine = 107
  /// The longest header of version 2 that is taken, in bytes: room for extensions with a certificate.
  public static let longestBinary = 4096

  /// How every header of version 1 begins.
  static let lineSignature: StaticString = "PROXY "
  /// How every header of version 2 begins (section 2.2).
  static let binarySignature: InlineArray<12, UInt8> = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]

  init(source: Source, byteCount: Int) {
    self.source = source
    self.byteCount = byteCount
  }

  /// Reads the header that a connection begins with, however few bytes of it have come.
  ///
  /// A defect is reported at the byte that makes it one, so what comes out does not depend on where the network cut.
  ///
  /// - Parameter bytes: everything received so far; to look at more than `longestBinary` is never needed.
  /// - Returns: the header, `nil` where more bytes are needed.
  /// - Throws: `ProxyViolation`; the caller closes the connection without an answer.
  public static func parse(_ bytes: Span<UInt8>) throws(ProxyViolation) -> ProxyHeader? {
    guard !bytes.isEmpty else { return nil }
    if bytes[0] == binarySignature[0] {
      for index in 0..<min(bytes.count, binarySignature.count) where bytes[index] != binarySignature[index] {
        throw .notAHeader
      }
      return try parseBinary(bytes)
    }
    let signature = unsafe Span(_unsafeStart: lineSignature.utf8Start, count: lineSignature.utf8CodeUnitCount)
    for index in 0..<min(bytes.count, signature.count) where bytes[index] != signature[index] {
      throw .notAHeader
    }
    return bytes.count > signature.count ? try parseLine(bytes, from: signature.count) : nil
  }
}
