internal import COpenSSL
internal import Reactor

/// Whether clients show certificates.
public enum ClientCertificates: String, Sendable, CaseIterable {
  /// Who shows one must show a good one.
  case optional
  /// Who shows none is turned away.
  case required
}

/// What a listener's TLS is: its certificates, and whom it believes.
///
/// - Owner: whoever holds a reference, each session among them; it never changes, a reload makes another one.
/// - Thread: any, several at a time.
@safe
public final class TLSServer: Sendable {
  private let settings: TLSSettings
  private let certificates: [TLSCertificate]
  private let authorities: TLSAuthorities?
  private let tickets: TicketKeys?
  /// What ALPN offers, in OpenSSL's form: each name behind its length.
  private let protocols: [UInt8]

  /// Puts a server together.
  ///
  /// - Parameters:
  ///   - certificates: at least one; the first is for clients that name no host, or none that any other covers.
  ///   - authorities: who is believed about clients' certificates; `nil` asks clients for none.
  ///   - clientCertificates: whether clients must show one, where there are `authorities`.
  ///   - tickets: keys for sessions that go on later; `nil` for none of these.
  ///   - ticketLifetime: for how long a session can go on.
  ///   - protocols: what is offered above TLS, the preferred first, such as `h2`, `http/1.1`.
  /// - Throws: `TLSError` where OpenSSL does not take a certificate.
  public init(
    certificates: [TLSCertificate], authorities: TLSAuthorities? = nil,
    clientCertificates: ClientCertificates = .required, tickets: TicketKeys? = nil, ticketLifetime: Duration = .zero,
    protocols: [String] = ["http/1.1"]
  ) throws(TLSError) {
    settings = try TLSSettings(isClient: false)
    self.certificates = certificates
    self.authorities = authorities
    self.tickets = tickets
    self.protocols = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    // Each is tried once, so that none fails in the middle of a handshake; the first is the one that stays.
    for certificate in certificates.reversed() { try settings.show(certificate) }
    let pointer = unsafe settings.pointer
    unsafe SSL_CTX_set_options(pointer, sluice_ssl_op_server)
    try demand(clientCertificates)
    let this = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe SSL_CTX_set_ex_data(pointer, 0, this)
    unsafe SSL_CTX_set_cert_cb(
      pointer, { connection, server in unsafe TLSServer.recover(server)?.choose(for: connection) ?? 0 }, this)
    unsafe SSL_CTX_set_alpn_select_cb(
      pointer,
      { _, name, count, offered, offeredCount, server in
        unsafe TLSServer.recover(server)?.agree(name, count, offered, offeredCount) ?? SSL_TLSEXT_ERR_ALERT_FATAL
      }, this)
    guard tickets != nil else {
      unsafe SSL_CTX_set_options(pointer, sluice_ssl_op_no_ticket)
      unsafe SSL_CTX_set_num_tickets(pointer, 0)
      return
    }
    unsafe SSL_CTX_set_timeout(pointer, Int(ticketLifetime.components.seconds))
    unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer) { connection, name, vector, cipher, code, isNew in
      unsafe TLSServer.recover(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), 0))?
        .ticket(name, vector, cipher, code, isNew: isNew == 1) ?? -1
    }
  }

  /// The layer for one connection that was accepted; `nil` where memory is short.
  public func makeSession() -> TLSSession? {
    guard let connection = unsafe settings.makeConnection() else { return nil }
    return unsafe TLSSession(adopting: connection, isClient: false, keeping: self)
  }

  /// The certificate for a host.
  ///
  /// - Parameter host: the name that a client has sent (RFC 6066 §3); `nil` where it sent none.
  /// - Returns: one that names it, else one whose wildcard covers it, else the first.
  public func certificate(for host: String?) -> TLSCertificate? {
    guard let host, certificates.count > 1 else { return certificates.first }
    return certificates.first { $0.covers(host, wildcards: false) }
      ?? certificates.first { $0.covers(host, wildcards: true) } ?? certificates.first
  }

  /// SSL_CTX_set_verify(3), SSL_CTX_set_session_id_context(3).
  private func demand(_ clientCertificates: ClientCertificates) throws(TLSError) {
    let pointer = unsafe settings.pointer
    // A session goes on only where clients had to show the same as now.
    var scope = Array("sluice".utf8)
    if let authorities {
      scope = authorities.digest.bytes
      settings.trust(authorities)
      for certificate in authorities.certificates { unsafe SSL_CTX_add_client_CA(pointer, certificate.pointer) }
      let must = clientCertificates == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
      unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | must, nil)
      if must != 0 { scope[0] ^= 0xFF }
    }
    guard unsafe SSL_CTX_set_session_id_context(pointer, scope, UInt32(scope.count)) == 1 else {
      throw .refused(reason: ErrorQueue.takeReason())
    }
  }

  // MARK: - Callbacks

  /// The one place where OpenSSL's argument becomes an object again; its session keeps it alive.
  private static func recover(_ pointer: UnsafeMutableRawPointer?) -> TLSServer? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe Unmanaged<TLSServer>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Takes another certificate than the first where the client's host needs one.
  ///
  /// SSL_CTX_set_cert_cb(3), SSL_get_servername(3).
  private func choose(for connection: OpaquePointer?) -> Int32 {
    guard certificates.count > 1,
      let name = unsafe SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name).map({ unsafe String(cString: $0) }),
      let certificate = certificate(for: name), certificate !== certificates.first
    else { return 1 }
    return unsafe SSL_use_cert_and_key(
      connection, certificate.leaf.pointer, certificate.key.pointer, certificate.chain, 1)
  }

  /// Agrees on the first of our protocols that the client offers; none is an error (RFC 7301 §3.2).
  ///
  /// SSL_CTX_set_alpn_select_cb(3).
  private func agree(
    _ name: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, _ count: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32
  ) -> Int32 {
    let offers = unsafe UnsafeBufferPointer(start: offered, count: Int(offeredCount))
    var own = 0
    while own < protocols.count {
      let wanted = protocols[own...].prefix(1 + Int(protocols[own]))
      own += wanted.count
      var place = 0
      while place < offers.count {
        let length = unsafe Int(offers[place])
        guard place + 1 + length <= offers.count else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        if unsafe offers[place...(place + length)].elementsEqual(wanted) {
          unsafe name?.pointee = offered.map { unsafe $0 + place + 1 }
          unsafe count?.pointee = UInt8(length)
          return SSL_TLSEXT_ERR_OK
        }
        place += 1 + length
      }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
  }

  /// Prepares the sealing or opening of a ticket: 1 where that can be, 2 where the client should get a new one, 0 where
  /// the ticket opens nothing any more.
  ///
  /// SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
  private func ticket(
    _ name: UnsafeMutablePointer<UInt8>?, _ vector: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?,
    _ code: OpaquePointer?, isNew: Bool
  ) -> Int32 {
    guard let name = unsafe name, let vector = unsafe vector, let cipher = unsafe cipher, let code = unsafe code,
      let tickets
    else { return -1 }
    if isNew {
      guard let key = tickets.current(at: .now) else { return 0 }
      return unsafe key.seal(name, vector, cipher, code) ? 1 : -1
    }
    guard let (key, isOld) = unsafe tickets.key(named: name, at: .now) else { return 0 }
    guard unsafe key.open(vector, cipher, code) else { return -1 }
    return isOld ? 2 : 1
  }
}
