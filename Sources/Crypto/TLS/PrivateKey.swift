internal import COpenSSL

/// The private key of a certificate.
///
/// - Owner: whoever holds a reference; it never changes, and OpenSSL wipes its memory.
/// - Thread: any, several at a time.
@safe
final class PrivateKey: Sendable {
  // Not to be checked by the compiler: a key that was read is only read (openssl-threads(7)).
  nonisolated(unsafe) let pointer: OpaquePointer

  /// Reads the first key of a PEM text.
  ///
  /// PEM_read_bio_PrivateKey(3).
  ///
  /// - Throws: `TLSError` where there is none, it is broken, or needs a password.
  init(_ text: Span<UInt8>) throws(TLSError) {
    // Only where there is a password is it asked for.
    var isEncrypted = false
    let key = unsafe withUnsafeMutablePointer(to: &isEncrypted) { flag in
      unsafe text.withUnsafeBytes { bytes -> OpaquePointer? in
        guard let start = bytes.baseAddress, let reader = unsafe BIO_new_mem_buf(start, Int32(clamping: bytes.count))
        else { return nil }
        defer { unsafe BIO_free(reader) }
        return unsafe PEM_read_bio_PrivateKey(
          reader, nil,
          { _, _, _, flag in
            unsafe flag?.assumingMemoryBound(to: Bool.self).pointee = true
            return -1
          }, flag)
      }
    }
    guard let key = unsafe key else {
      let reason = ErrorQueue.takeReason()
      if isEncrypted { throw .encryptedKey }
      throw Self.isIn(text) ? .malformed(kind: .key, reason: reason) : .noBlock(kind: .key)
    }
    // As what else it was tried before is no error.
    ErrorQueue.clear()
    unsafe pointer = key
  }

  /// Whether there is something that claims to be a private key.
  private static func isIn(_ text: Span<UInt8>) -> Bool {
    unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self).contains("PRIVATE KEY-----") }
  }

  deinit {
    unsafe EVP_PKEY_free(pointer)
  }
}
