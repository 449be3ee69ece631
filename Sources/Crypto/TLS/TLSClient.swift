internal import COpenSSL

/// How to speak TLS to servers, and whom to believe about who they are.
///
/// - Owner: whoever holds a reference, each session among them.
/// - Thread: any, several at a time.
public final class TLSClient: Sendable {
  private let settings: TLSSettings
  private let verifies: Bool

  /// Puts a client together.
  ///
  /// - Parameters:
  ///   - authorities: who is believed; `nil` for the system's list.
  ///   - verifies: whether a server must prove who it is; without, anybody between here and there may be it.
  ///   - certificate: what servers that ask are shown.
  /// - Throws: `TLSError` where OpenSSL does not take the certificate, or has no list of the system's.
  public init(authorities: TLSAuthorities?, verifies: Bool, certificate: TLSCertificate?) throws(TLSError) {
    settings = try TLSSettings(isClient: true)
    self.verifies = verifies
    if let certificate { try settings.show(certificate) }
    guard verifies else { return }
    if let authorities {
      settings.trust(authorities)
    } else if unsafe SSL_CTX_set_default_verify_paths(settings.pointer) != 1 {
      throw .refused(reason: ErrorQueue.takeReason())
    }
    unsafe SSL_CTX_set_verify(settings.pointer, SSL_VERIFY_PEER, nil)
  }

  /// The layer for one connection to a server; `nil` where memory is short or the host is none.
  ///
  /// SSL_set1_host(3), X509_VERIFY_PARAM_set1_ip_asc(3), SSL_set_tlsext_host_name(3), SSL_set_alpn_protos(3).
  ///
  /// - Parameters:
  ///   - host: the name or numeric address that the server's certificate must be for.
  ///   - isAddress: whether it is a numeric address.
  /// - Returns: the layer, for a socket that is connected.
  public func makeSession(for host: String, isAddress: Bool) -> TLSSession? {
    guard let connection = unsafe settings.makeConnection() else { return nil }
    let session = unsafe TLSSession(adopting: connection, isClient: true, keeping: self)
    let parameters = unsafe SSL_get0_param(connection)
    unsafe X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    let isNamed =
      isAddress
      ? unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1
      : unsafe SSL_set1_host(connection, host) == 1 && sluice_ssl_set_server_name(connection, host) == 1
    let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
    guard isNamed, unsafe SSL_set_alpn_protos(connection, protocols, UInt32(protocols.count)) == 0 else {
      ErrorQueue.clear()
      return nil
    }
    return session
  }
}
