internal import COpenSSL

/// Certificates of authorities: who is believed about who somebody is.
///
/// - Owner: whoever holds a reference; it never changes.
/// - Thread: any, several at a time.
@safe
public final class TLSAuthorities: Sendable {
  /// How many there may be; the bundle of a whole distribution has about 150.
  public static let maximumCount = 1024

  let certificates: [Certificate]
  let digest: SHA256
  // Not to be checked by the compiler: a store that is complete has a lock of its own.
  nonisolated(unsafe) let store: OpaquePointer

  /// Takes the text of a file.
  ///
  /// X509_STORE_add_cert(3).
  ///
  /// - Parameter text: PEM certificates, of roots as a rule.
  /// - Throws: `TLSError` where there is none, or one is broken.
  public init(_ text: Span<UInt8>) throws(TLSError) {
    certificates = try Certificate.all(in: text, kind: .authorities, atMost: Self.maximumCount)
    digest = SHA256(of: text)
    guard let store = unsafe X509_STORE_new() else { throw .refused(reason: ErrorQueue.takeReason()) }
    unsafe self.store = store
    // One that stands in the file twice is there once.
    for certificate in certificates { unsafe X509_STORE_add_cert(store, certificate.pointer) }
    ErrorQueue.clear()
  }

  deinit {
    unsafe X509_STORE_free(store)
  }
}

extension TLSAuthorities: Equatable {
  /// Equal texts.
  public static func == (left: TLSAuthorities, right: TLSAuthorities) -> Bool { left.digest == right.digest }
}
