import Crypto
import Testing

@Suite struct PublicKeyTests {
  private func refusal(_ make: () throws(CryptoError) -> PublicKey) -> CryptoError? {
    do throws(CryptoError) {
      _ = try make()
      return nil
    } catch {
      return error
    }
  }

  private func rsa(_ modulus: [UInt8], _ exponent: [UInt8]) -> CryptoError? {
    refusal { () throws(CryptoError) in try PublicKey(rsaModulus: modulus.span, exponent: exponent.span) }
  }

  @Test func `an RSA key has 2048 to 8192 bits`() {
    func odd(_ bits: Int) -> [UInt8] {
      [UInt8(1 << ((bits - 1) % 8))] + [UInt8](repeating: 0xFF, count: (bits - 1) / 8)
    }
    #expect(rsa(odd(2048), [3]) == nil)
    #expect(rsa(odd(8192), [3]) == nil)
    #expect(rsa([0, 0] + odd(2048), [0, 3]) == nil, "zeros in front change nothing")
    #expect(rsa(odd(2047), [3]) == .modulus(bits: 2047))
    #expect(rsa(odd(1024), [3]) == .modulus(bits: 1024))
    #expect(rsa(odd(8193), [3]) == .modulus(bits: 8193))
    #expect(rsa(odd(100_000), [3]) == .modulus(bits: 100_000))
    #expect(rsa([1], [1]) == .modulus(bits: 1))
    #expect(rsa([], []) != nil)
  }

  @Test func `an exponent is odd, more than 1 and at most 64 bits long`() {
    let modulus = Vector.modulus
    #expect(rsa(modulus, [1, 0, 1]) == nil)
    #expect(rsa(modulus, [UInt8](repeating: 0xFF, count: 8)) == nil)
    for exponent: [UInt8] in [[], [0], [1], [2], [4], [1] + [UInt8](repeating: 0xFF, count: 8), modulus] {
      #expect(rsa(modulus, exponent) == .exponent)
    }
    #expect(rsa(modulus, [UInt8](repeating: 1, count: 300)) == .exponent)
  }

  @Test func `a point lies on P-256`() {
    func point(_ x: [UInt8], _ y: [UInt8]) -> CryptoError? {
      refusal { () throws(CryptoError) in try PublicKey(p256X: x.span, y: y.span) }
    }
    let (x, y) = (Vector.x, Vector.y)
    let zero = [UInt8](repeating: 0, count: 32)
    let highest = [UInt8](repeating: 0xFF, count: 32)
    #expect(point(x, y) == nil)
    for (x, y) in [(y, x), (zero, zero), (x, zero), (highest, y), (x, highest)] {
      guard case .malformed = point(x, y) else {
        Issue.record("a point off the curve was taken")
        continue
      }
    }
    for (x, y) in [(x + [0], y), ([0] + x, y), (Array(x.dropLast()), y), (x, []), ([], [])] {
      #expect(point(x, y) == .malformed(reason: "x and y are not 32 bytes each"))
    }
  }

  @Test(arguments: [0, 31, 33, 57])
  func `an Ed25519 key has 32 bytes`(count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    let error = refusal { () throws(CryptoError) in try PublicKey(ed25519: bytes.span) }
    #expect(error == .malformed(reason: "x is not 32 bytes"))
  }
}

@Suite struct SharedSecretTests {
  @Test func `a secret has 32 bytes at least`() throws {
    for count in [0, 1, 31] {
      let bytes = [UInt8](repeating: 7, count: count)
      #expect(throws: CryptoError.secret(bytes: count)) { try SharedSecret(bytes.span) }
    }
    for count in [32, 64, 65, 1000] {
      let bytes = [UInt8](repeating: 7, count: count)
      let secret = try SharedSecret(bytes.span)
      let verifies = secret.verifies(bytes.span, of: bytes.span)
      #expect(!verifies)
    }
  }

  @Test func `the code is the standard's`() throws {
    // RFC 4231 §4.7, a key longer than the block of the digest.
    let key = [UInt8](repeating: 0xAA, count: 131)
    let message = Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
    let code: [UInt8] = [
      0x60, 0xE4, 0x31, 0x59, 0x1E, 0xE0, 0xB6, 0x7F, 0x0D, 0x8A, 0x26, 0xAA, 0xCB, 0xF5, 0xB7, 0x7F,
      0x8E, 0x0B, 0xC6, 0x21, 0x37, 0x28, 0xC5, 0x14, 0x05, 0x46, 0x04, 0x0F, 0x0E, 0xE3, 0x7F, 0x54,
    ]
    let secret = try SharedSecret(key.span)
    let verifies = secret.verifies(code.span, of: message.span)
    #expect(verifies)
  }
}
