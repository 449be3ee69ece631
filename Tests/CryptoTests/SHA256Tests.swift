import Crypto
import Testing

@Suite struct SHA256Tests {
  private func digest(_ text: String) -> SHA256 { SHA256(of: Array(text.utf8).span) }

  @Test func `equal bytes have equal digests, others do not`() {
    #expect(digest("") == digest(""))
    #expect(digest("abc") == digest("abc"))
    #expect(Set(["", "a", "b", "ab", "ba", "abc"].map(digest)).count == 6)
  }

  @Test func `the digest is the standard's`() {
    // FIPS 180-4, the example of one block: "abc".
    let expected: [UInt8] = [
      0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23,
      0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD,
    ]
    let bytes = withUnsafeBytes(of: digest("abc")) { Array($0) }
    #expect(bytes == expected)
  }

  @Test func `a digest's bytes make the same digest`() {
    for text in ["", "a", "abc", String(repeating: "x", count: 1000)] {
      let digest = digest(text)
      #expect(digest.bytes.count == SHA256.byteCount && SHA256.byteCount == 32)
      #expect(digest.bytes == withUnsafeBytes(of: digest) { Array($0) })
      #expect(SHA256(digest.bytes) == digest)
      #expect(SHA256(digest.bytes)?.bytes == digest.bytes)
    }
    let any = (0..<32).map { UInt8($0 * 8) }
    #expect(SHA256(any)?.bytes == any)
  }

  @Test(arguments: 0...65) func `any other number of bytes is no digest`(count: Int) {
    #expect((SHA256([UInt8](repeating: 1, count: count)) == nil) == (count != 32))
  }
}
