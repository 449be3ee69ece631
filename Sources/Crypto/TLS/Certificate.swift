internal import COpenSSL
internal import Glibc

/// One X.509 certificate (RFC 5280).
///
/// - Owner: whoever holds a reference; it never changes.
/// - Thread: any, several at a time.
@safe
final class Certificate: Sendable {
  // Not to be checked by the compiler: a certificate that was read is only read, and OpenSSL locks what it caches in it.
  nonisolated(unsafe) let pointer: OpaquePointer

  /// Takes over a certificate that OpenSSL made.
  @unsafe
  private init(adopting pointer: OpaquePointer) {
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe X509_free(pointer)
  }

  /// The certificates of a PEM text in their order; what stands between them is not looked at.
  ///
  /// PEM_read_bio_X509(3).
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - kind: what they are for, for errors.
  ///   - maximum: how many there may be.
  /// - Returns: one or more.
  /// - Throws: `TLSError` where there is none, or one is broken.
  static func all(in text: Span<UInt8>, kind: TLSPart, atMost maximum: Int) throws(TLSError) -> [Certificate] {
    var certificates: [Certificate] = []
    var error: TLSError?
    unsafe text.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress, let reader = unsafe BIO_new_mem_buf(start, Int32(clamping: bytes.count))
      else { return }
      defer { unsafe BIO_free(reader) }
      while certificates.count <= maximum {
        guard let certificate = unsafe PEM_read_bio_X509(reader, nil, nil, nil) else {
          if !ErrorQueue.saysNoBlock { error = .malformed(kind: kind, reason: ErrorQueue.takeReason()) }
          return ErrorQueue.clear()
        }
        unsafe certificates.append(Certificate(adopting: certificate))
      }
      error = .tooMany(kind: kind)
    }
    if let error { throw error }
    guard !certificates.isEmpty else { throw .noBlock(kind: kind) }
    return certificates
  }

  /// The last second of its validity, since 1970; one that makes no sense has always expired.
  ///
  /// ASN1_TIME_to_tm(3), timegm(3).
  var expires: Int {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(X509_get0_notAfter(pointer), &parts) == 1 else {
      ErrorQueue.clear()
      return .min
    }
    return unsafe timegm(&parts)
  }

  /// Whether one of its names is a host's.
  ///
  /// X509_check_host(3). A wildcard stands for one label, and all of it.
  func covers(_ host: String, wildcards: Bool) -> Bool {
    let flags = wildcards ? X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS : X509_CHECK_FLAG_NO_WILDCARDS
    let result = unsafe X509_check_host(pointer, host, host.utf8.count, UInt32(flags), nil)
    if result != 1 { ErrorQueue.clear() }
    return result == 1
  }
}
