internal import COpenSSL

// Keys from their numbers, as a JSON Web Key has them, by way of the structure that every public key has in a file:
// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), whose algorithm parts are the fixed bytes below.
extension PublicKey {
  /// An RSA key from its modulus and exponent (RFC 7518 §6.3.1).
  ///
  /// - Parameters:
  ///   - modulus: n, the most significant byte first.
  ///   - exponent: e, likewise.
  /// - Throws: `CryptoError` where these are no key, or none that is safe.
  public convenience init(rsaModulus modulus: Span<UInt8>, exponent: Span<UInt8>) throws(CryptoError) {
    guard modulus.count <= PublicKey.modulusBits.upperBound / 8 + 1 else { throw .modulus(bits: modulus.count * 8) }
    guard exponent.count <= modulus.count else { throw .exponent }
    // rsaEncryption, with parameters of NULL (RFC 3279 §2.3.1).
    let algorithm: [UInt8] = [0x30, 13, 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0]
    var numbers: [UInt8] = []
    DER.append(integer: modulus, to: &numbers)
    DER.append(integer: exponent, to: &numbers)
    try self.init(info: DER.sequence(algorithm + DER.bitString(DER.sequence(numbers))))
  }

  /// An EC key from the place of its point on the curve P-256 (RFC 7518 §6.2.1).
  ///
  /// - Parameters:
  ///   - x: 32 bytes.
  ///   - y: 32 bytes.
  /// - Throws: `CryptoError` where there is no such point on the curve.
  public convenience init(p256X x: Span<UInt8>, y: Span<UInt8>) throws(CryptoError) {
    guard x.count == 32, y.count == 32 else { throw .malformed(reason: "x and y are not 32 bytes each") }
    // id-ecPublicKey on prime256v1 (RFC 5480 §2.1.1).
    let algorithm: [UInt8] = [
      0x30, 19, 0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
      0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
    ]
    // Uncompressed (SEC 1 §2.3.3).
    var point: [UInt8] = [0x04]
    for index in x.indices { point.append(x[index]) }
    for index in y.indices { point.append(y[index]) }
    try self.init(info: DER.sequence(algorithm + DER.bitString(point)))
  }

  /// An Ed25519 key from its bytes (RFC 8037 §2).
  ///
  /// - Parameter x: 32 bytes.
  /// - Throws: `CryptoError` where there are more or fewer.
  public convenience init(ed25519 x: Span<UInt8>) throws(CryptoError) {
    guard x.count == 32 else { throw .malformed(reason: "x is not 32 bytes") }
    // id-Ed25519 (RFC 8410 §3).
    let algorithm: [UInt8] = [0x30, 5, 0x06, 3, 0x2B, 0x65, 0x70]
    var bytes: [UInt8] = []
    for index in x.indices { bytes.append(x[index]) }
    try self.init(info: DER.sequence(algorithm + DER.bitString(bytes)))
  }

  /// A key from its SubjectPublicKeyInfo in DER, with nothing behind it.
  ///
  /// d2i_PUBKEY(3).
  convenience init(info: [UInt8]) throws(CryptoError) {
    var used = 0
    let key = unsafe info.withUnsafeBufferPointer { bytes in
      var position = bytes.baseAddress
      let key = unsafe d2i_PUBKEY(nil, &position, bytes.count)
      if let start = bytes.baseAddress, let position = unsafe position { used = unsafe position - start }
      return unsafe key
    }
    guard let key = unsafe key else { throw .malformed(reason: ErrorQueue.takeReason()) }
    try unsafe self.init(adopting: key)
    guard used == info.count else { throw .malformed(reason: "bytes after its end") }
  }
}
