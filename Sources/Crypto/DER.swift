/// The few ASN.1 values of which keys and signatures are made, written in DER (ITU-T X.690).
enum DER {
  /// Appends an integer that is not negative, in as few bytes as will do (X.690 §8.3).
  ///
  /// - Parameters:
  ///   - bytes: the most significant first; none mean zero.
  ///   - output: where to.
  static func append(integer bytes: Span<UInt8>, to output: inout [UInt8]) {
    var first = 0
    while first < bytes.count, bytes[first] == 0 { first += 1 }
    // Without a zero before it a first bit of 1 would make the number negative, and zero itself has one byte.
    let isPadded = first == bytes.count || bytes[first] >= 0x80
    append(tag: 0x02, count: bytes.count - first + (isPadded ? 1 : 0), to: &output)
    if isPadded { output.append(0) }
    for index in first..<bytes.count { output.append(bytes[index]) }
  }

  /// A sequence of values that are DER already.
  static func sequence(_ content: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    append(tag: 0x30, count: content.count, to: &output)
    return output + content
  }

  /// A bit string of whole bytes.
  static func bitString(_ content: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    append(tag: 0x03, count: content.count + 1, to: &output)
    return output + [0] + content
  }

  /// Appends what stands before a content of at most 64 KiB (X.690 §8.1.3).
  private static func append(tag: UInt8, count: Int, to output: inout [UInt8]) {
    precondition(count <= 0xFFFF, "keys and signatures are bounded before they are written")
    output.append(tag)
    switch count {
    case ..<0x80: break
    case ...0xFF: output.append(0x81)
    default:
      output.append(0x82)
      output.append(UInt8(count >> 8))
    }
    output.append(UInt8(count & 0xFF))
  }
}
