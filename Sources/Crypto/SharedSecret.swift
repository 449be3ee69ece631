internal import COpenSSL

/// A secret that signer and verifier share, for HMAC with SHA-256 (RFC 2104).
///
/// - Owner: whoever holds a reference; the secret never changes, and its memory is wiped when nobody does.
/// - Thread: any, several at a time.
@safe
public final class SharedSecret: Sendable {
  /// The fewest bytes of a secret: as many as the digest has (RFC 7518 §3.2).
  public static let minimumBytes = 32

  // Not to be checked by the compiler: an EVP_MAC_CTX that nobody updates is only read, as the source of copies.
  private nonisolated(unsafe) let keyed: OpaquePointer

  /// Takes a secret.
  ///
  /// EVP_MAC_init(3).
  ///
  /// - Parameter secret: the bytes.
  /// - Throws: `CryptoError.secret` where there are fewer than `minimumBytes`.
  public init(_ secret: Span<UInt8>) throws(CryptoError) {
    guard secret.count >= SharedSecret.minimumBytes else { throw .secret(bytes: secret.count) }
    let method = unsafe EVP_MAC_fetch(nil, "HMAC", nil)
    defer { unsafe EVP_MAC_free(method) }
    guard let keyed = unsafe EVP_MAC_CTX_new(method) else { throw .malformed(reason: ErrorQueue.takeReason()) }
    guard unsafe SharedSecret.key(keyed, with: secret) else {
      unsafe EVP_MAC_CTX_free(keyed)
      throw .malformed(reason: ErrorQueue.takeReason())
    }
    unsafe self.keyed = keyed
  }

  deinit {
    unsafe EVP_MAC_CTX_free(keyed)
  }

  private static func key(_ keyed: OpaquePointer, with secret: Span<UInt8>) -> Bool {
    // Parameters keep the addresses of their names and values, so both have to live until they were read.
    let name = Array(OSSL_MAC_PARAM_DIGEST.utf8CString)
    var digest = Array("SHA256".utf8CString)
    return unsafe name.withUnsafeBufferPointer { name in
      unsafe digest.withUnsafeMutableBufferPointer { digest in
        // The list ends with a parameter that has no name.
        let parameters = unsafe [
          OSSL_PARAM_construct_utf8_string(name.baseAddress, digest.baseAddress, 0), OSSL_PARAM_construct_end(),
        ]
        return unsafe secret.withUnsafeBufferPointer { secret in
          unsafe EVP_MAC_init(keyed, secret.baseAddress, secret.count, parameters) == 1
        }
      }
    }
  }

  /// Whether a signature is the HMAC of a message; how long that takes does not depend on where they differ.
  ///
  /// EVP_MAC_final(3), CRYPTO_memcmp(3).
  ///
  /// - Parameters:
  ///   - signature: 32 bytes; any other number is none.
  ///   - message: what was signed.
  /// - Returns: whether it is.
  public func verifies(_ signature: Span<UInt8>, of message: Span<UInt8>) -> Bool {
    var expected = [UInt8](repeating: 0, count: 32)
    guard signature.count == expected.count, authenticate(message, into: &expected) else { return false }
    return unsafe signature.withUnsafeBytes { signature in
      unsafe CRYPTO_memcmp(signature.baseAddress, expected, expected.count) == 0
    }
  }

  private func authenticate(_ message: Span<UInt8>, into code: inout [UInt8]) -> Bool {
    guard let state = unsafe EVP_MAC_CTX_dup(keyed) else { return false }
    defer { unsafe EVP_MAC_CTX_free(state) }
    var length = 0
    let isDone = unsafe message.withUnsafeBufferPointer { message in
      unsafe EVP_MAC_update(state, message.baseAddress, message.count) == 1
        && EVP_MAC_final(state, &code, &length, code.count) == 1
    }
    if !isDone { ErrorQueue.clear() }
    return isDone && length == code.count
  }
}
