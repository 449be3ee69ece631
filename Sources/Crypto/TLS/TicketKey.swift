internal import COpenSSL
internal import Reactor

/// One key for session tickets: what a server encrypts its clients' sessions with, before it lets them keep these.
///
/// RFC 5077 §4. The memory is wiped when nobody holds it.
/// - Thread: any.
@safe
final class TicketKey: Sendable {
  /// How many bytes name a key.
  static let nameBytes = 16
  private static let byteCount = nameBytes + 32 + 32

  // Not to be checked by the compiler: it is written before anybody else sees it, and then only read.
  private nonisolated(unsafe) let bytes: UnsafeMutablePointer<UInt8>
  /// When it came to be.
  let began: Instant

  /// A key that nobody knows; `nil` where OpenSSL has no random bytes.
  ///
  /// RAND_bytes(3).
  init?(at now: Instant) {
    guard let memory = unsafe sluice_openssl_malloc(Self.byteCount) else { return nil }
    unsafe bytes = memory.assumingMemoryBound(to: UInt8.self)
    began = now
    guard unsafe RAND_bytes(bytes, Int32(Self.byteCount)) == 1 else {
      ErrorQueue.clear()
      return nil
    }
  }

  deinit {
    unsafe sluice_openssl_clear_free(bytes, Self.byteCount)
  }

  /// Whether it is the one that a ticket names.
  @unsafe
  func isNamed(_ name: UnsafePointer<UInt8>) -> Bool {
    unsafe CRYPTO_memcmp(name, bytes, Self.nameBytes) == 0
  }

  /// Prepares the encryption of one ticket.
  ///
  /// SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
  @unsafe
  func seal(
    _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
    _ code: OpaquePointer
  ) -> Bool {
    guard unsafe RAND_bytes(vector, 16) == 1 else { return false }
    unsafe name.update(from: bytes, count: Self.nameBytes)
    return unsafe EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, bytes + Self.nameBytes, vector) == 1
      && authenticate(code)
  }

  /// Prepares the decryption of one ticket.
  @unsafe
  func open(_ vector: UnsafePointer<UInt8>, _ cipher: OpaquePointer, _ code: OpaquePointer) -> Bool {
    unsafe EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, bytes + Self.nameBytes, vector) == 1
      && authenticate(code)
  }

  private func authenticate(_ code: OpaquePointer) -> Bool {
    // Parameters keep the addresses of their names and values, so all have to live until they were read.
    let names = [Array(OSSL_MAC_PARAM_KEY.utf8CString), Array(OSSL_MAC_PARAM_DIGEST.utf8CString)]
    var digest = Array("SHA256".utf8CString)
    return unsafe names[0].withUnsafeBufferPointer { keyName in
      unsafe names[1].withUnsafeBufferPointer { digestName in
        unsafe digest.withUnsafeMutableBufferPointer { digest in
          let parameters = unsafe [
            OSSL_PARAM_construct_octet_string(keyName.baseAddress, bytes + Self.nameBytes + 32, 32),
            OSSL_PARAM_construct_utf8_string(digestName.baseAddress, digest.baseAddress, 0),
            OSSL_PARAM_construct_end(),
          ]
          return unsafe EVP_MAC_CTX_set_params(code, parameters) == 1
        }
      }
    }
  }
}
