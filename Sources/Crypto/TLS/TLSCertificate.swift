internal import COpenSSL

/// A certificate with its chain and its private key: who a server, or a client, shows that it is.
///
/// - Owner: whoever holds a reference; it never changes.
/// - Thread: any, several at a time.
@safe
public final class TLSCertificate: Sendable {
  /// How many certificates a chain may have: more are no chain to a root.
  public static let maximumChain = 16

  let leaf: Certificate
  let key: PrivateKey
  // Not to be checked by the compiler: a list that is complete is only read.
  nonisolated(unsafe) let chain: OpaquePointer
  private let digest: SHA256

  /// Takes the texts of two files.
  ///
  /// X509_check_private_key(3).
  ///
  /// - Parameters:
  ///   - certificate: PEM, the certificate first, then those between it and a root.
  ///   - key: PEM, without a password.
  /// - Throws: `TLSError`: what is wrong with which of them.
  public init(certificate: Span<UInt8>, key: Span<UInt8>) throws(TLSError) {
    let certificates = try Certificate.all(in: certificate, kind: .certificate, atMost: Self.maximumChain)
    self.key = try PrivateKey(key)
    leaf = certificates[0]
    guard unsafe X509_check_private_key(leaf.pointer, self.key.pointer) == 1 else {
      ErrorQueue.clear()
      throw .keyMismatch
    }
    guard let chain = unsafe sluice_chain_new() else { throw .refused(reason: ErrorQueue.takeReason()) }
    for certificate in certificates.dropFirst() {
      unsafe X509_up_ref(certificate.pointer)
      unsafe _ = sluice_chain_push(chain, certificate.pointer)
    }
    unsafe self.chain = chain
    digest = SHA256(of: (SHA256(of: certificate).bytes + SHA256(of: key).bytes).span)
  }

  deinit {
    unsafe sluice_chain_free(chain)
  }

  /// The last second of its validity, since 1970.
  public var expires: Int { leaf.expires }

  /// Whether it is for a host.
  ///
  /// - Parameters:
  ///   - host: a name as a client sends it.
  ///   - wildcards: whether a name with a wildcard, which stands for one label, counts, too.
  /// - Returns: whether one of its names is the host's.
  public func covers(_ host: String, wildcards: Bool) -> Bool { leaf.covers(host, wildcards: wildcards) }
}

extension TLSCertificate: Equatable {
  /// Equal texts.
  public static func == (left: TLSCertificate, right: TLSCertificate) -> Bool { left.digest == right.digest }
}
