internal import COpenSSL

/// A public key that verifies signatures of one algorithm: RSA, EC on P-256 or Ed25519.
///
/// - Owner: whoever holds a reference; the key never changes.
/// - Thread: any, several at a time.
@safe
public final class PublicKey: Sendable {
  /// How large the modulus of an RSA key may be (RFC 7518 §3.3 has the lower bound).
  public static let modulusBits = 2048...8192

  /// The only algorithm that this key is for.
  public let algorithm: SignatureAlgorithm
  // Not to be checked by the compiler: a built EVP_PKEY is only read, and threads may share it (openssl-threads(7)).
  private nonisolated(unsafe) let key: OpaquePointer

  /// Takes over a key that OpenSSL made, and frees it also where it cannot be used here.
  @unsafe
  init(adopting key: OpaquePointer) throws(CryptoError) {
    do throws(CryptoError) {
      algorithm = try unsafe PublicKey.algorithm(of: key)
    } catch {
      unsafe EVP_PKEY_free(key)
      throw error
    }
    unsafe self.key = key
  }

  deinit {
    unsafe EVP_PKEY_free(key)
  }

  /// Whether a signature was made of a message with the private half of this key.
  ///
  /// EVP_DigestVerify(3).
  ///
  /// - Parameters:
  ///   - signature: the bytes as RFC 7515 carries them: for ES256 r and s of 32 bytes each.
  ///   - message: what was signed.
  /// - Returns: whether it was; any malformed signature was not.
  public func verifies(_ signature: Span<UInt8>, of message: Span<UInt8>) -> Bool {
    guard algorithm == .es256 else { return verifiesEncoded(signature, of: message) }
    guard let encoded = ECDSASignature.der(ofRaw: signature) else { return false }
    return verifiesEncoded(encoded.span, of: message)
  }

  /// The same for a signature as OpenSSL reads it.
  private func verifiesEncoded(_ signature: Span<UInt8>, of message: Span<UInt8>) -> Bool {
    guard !signature.isEmpty, let state = unsafe EVP_MD_CTX_new() else { return false }
    defer { unsafe EVP_MD_CTX_free(state) }
    // Ed25519 hashes itself (RFC 8032 §5.1) and wants to be told of no digest.
    let digest = unsafe algorithm == .edDSA ? nil : EVP_sha256()
    var result = unsafe EVP_DigestVerifyInit(state, nil, digest, nil, key)
    if result == 1 {
      result = unsafe signature.withUnsafeBufferPointer { signature in
        unsafe message.withUnsafeBufferPointer { message in
          unsafe EVP_DigestVerify(state, signature.baseAddress, signature.count, message.baseAddress, message.count)
        }
      }
    }
    if result != 1 { ErrorQueue.clear() }
    return result == 1
  }
}

// What a key is for.
extension PublicKey {
  /// The algorithm of a key that is safe to use.
  private static func algorithm(of key: OpaquePointer) throws(CryptoError) -> SignatureAlgorithm {
    if unsafe EVP_PKEY_is_a(key, "RSA") == 1 {
      try unsafe checkRSA(key)
      return .rs256
    }
    if unsafe EVP_PKEY_is_a(key, "ED25519") == 1 { return .edDSA }
    guard unsafe EVP_PKEY_is_a(key, "EC") == 1 else { throw .unsupported(kind: unsafe kind(of: key)) }
    try unsafe checkCurve(key)
    return .es256
  }

  private static func kind(of key: OpaquePointer) -> String {
    unsafe EVP_PKEY_get0_type_name(key).map { unsafe String(cString: $0) } ?? "unknown"
  }

  private static func checkCurve(_ key: OpaquePointer) throws(CryptoError) {
    // A curve that is spelled out instead of named may be one that only looks the same (RFC 5480 §2.1.1).
    var isSpelledOut: Int32 = 0
    unsafe EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &isSpelledOut)
    var name = [CChar](repeating: 0, count: 64)
    var length = 0
    let isNamed = unsafe EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1
    ErrorQueue.clear()
    guard isNamed, isSpelledOut == 0 else { throw .unsupported(kind: "EC on a curve without a name") }
    let curve = String(decoding: name[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard curve == "prime256v1" else { throw .unsupported(kind: "EC on \(curve)") }
  }

  /// With an exponent of 1 every message would be its own signature, and a long one costs as much as signing.
  private static func checkRSA(_ key: OpaquePointer) throws(CryptoError) {
    let bits = Int(unsafe EVP_PKEY_get_bits(key))
    guard modulusBits.contains(bits) else { throw .modulus(bits: bits) }
    var exponent: OpaquePointer?
    let isThere = unsafe EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1
    defer { unsafe BN_free(exponent) }
    guard isThere else { throw .malformed(reason: ErrorQueue.takeReason()) }
    guard unsafe BN_is_odd(exponent) == 1, unsafe BN_is_one(exponent) == 0, unsafe BN_num_bits(exponent) <= 64 else {
      throw .exponent
    }
  }
}
