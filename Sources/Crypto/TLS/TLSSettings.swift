internal import COpenSSL

/// OpenSSL's `SSL_CTX`: what all sessions of one kind have in common.
///
/// - Owner: a `TLSServer` or a `TLSClient`; OpenSSL counts its own references.
/// - Thread: any, once it is complete.
@safe
final class TLSSettings: Sendable {
  /// Forward secrecy and authenticated encryption alone, for TLS 1.2; TLS 1.3 has nothing else.
  static let ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
  static let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
  static let groups = "X25519:P-256:P-384"

  // Not to be checked by the compiler: complete settings are only read, but for what OpenSSL locks itself.
  nonisolated(unsafe) let pointer: OpaquePointer

  /// Settings that hold for servers and clients alike.
  ///
  /// SSL_CTX_new(3), SSL_CTX_set_mode(3).
  init(isClient: Bool) throws(TLSError) {
    guard let pointer = unsafe SSL_CTX_new(isClient ? TLS_client_method() : TLS_server_method()) else {
      throw .refused(reason: ErrorQueue.takeReason())
    }
    unsafe self.pointer = pointer
    // An own chain is whole or not; what authorities are known for others is nothing to guess it from.
    let modes =
      SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
      | SSL_MODE_NO_AUTO_CHAIN
    unsafe _ = sluice_ssl_ctx_set_mode(pointer, Int(modes))
    unsafe SSL_CTX_set_options(pointer, sluice_ssl_op_both)
    unsafe _ = sluice_ssl_ctx_disable_session_cache(pointer)
    guard unsafe sluice_ssl_ctx_set_min_version(pointer, TLS1_2_VERSION) == 1,
      unsafe SSL_CTX_set_cipher_list(pointer, Self.ciphers) == 1,
      unsafe SSL_CTX_set_ciphersuites(pointer, Self.suites) == 1,
      unsafe sluice_ssl_ctx_set_groups(pointer, Self.groups) == 1
    else { throw .refused(reason: ErrorQueue.takeReason()) }
  }

  deinit {
    unsafe SSL_CTX_free(pointer)
  }

  /// Shows a certificate.
  ///
  /// SSL_CTX_use_cert_and_key(3).
  func show(_ certificate: TLSCertificate) throws(TLSError) {
    ErrorQueue.clear()
    guard
      unsafe SSL_CTX_use_cert_and_key(pointer, certificate.leaf.pointer, certificate.key.pointer, certificate.chain, 1)
        == 1
    else {
      throw .refused(reason: ErrorQueue.takeCause())
    }
  }

  /// Believes these authorities.
  ///
  /// SSL_CTX_set1_cert_store(3).
  func trust(_ authorities: TLSAuthorities) {
    unsafe SSL_CTX_set1_cert_store(pointer, authorities.store)
  }

  /// A new session.
  ///
  /// SSL_new(3).
  @unsafe
  func makeConnection() -> OpaquePointer? {
    guard let connection = unsafe SSL_new(pointer) else {
      ErrorQueue.clear()
      return nil
    }
    return unsafe connection
  }
}
