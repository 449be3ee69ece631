/// The checksum that PROXY headers and SCTP have in common (RFC 4960, appendix B).
enum CRC32C {
  /// The checksum of bytes of which some count as zeros.
  ///
  /// A bit at a time: headers have at most `ProxyHeader.longestBinary` bytes, one of them a connection.
  ///
  /// - Parameters:
  ///   - bytes: what to sum up.
  ///   - zeros: where the checksum itself stands, which was zero when it was made.
  /// - Returns: the checksum.
  static func checksum(of bytes: Span<UInt8>, zeros: Range<Int>) -> UInt32 {
    var remainder = ~UInt32(0)
    for index in bytes.indices {
      remainder ^= zeros.contains(index) ? 0 : UInt32(bytes[index])
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 0 ? 0 : 0x82F6_3B78) }
    }
    return ~remainder
  }
}
