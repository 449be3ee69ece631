internal import Admission
internal import Crypto
internal import Reactor
internal import Settings

/// One listener as all workers see it: what holds for the connections that come in there.
///
/// - Thread: any. A reload makes another one; connections keep the one they came in by.
final class Door: Sendable {
  let settings: ListenerSettings
  /// The value of `Strict-Transport-Security` (RFC 6797); `nil` where nothing is said.
  let strictTransport: String?
  private let server: TLSServer?
  private let tickets: TicketKeys?
  /// Who has begun how many handshakes.
  private let handshakes: SlotTable?

  /// Opens a door.
  ///
  /// - Parameters:
  ///   - settings: the listener.
  ///   - old: the one that was there before; its tickets go on, and its clients' handshakes count.
  /// - Throws: `TLSError` where OpenSSL does not take a certificate.
  init(_ settings: ListenerSettings, replacing old: Door? = nil) throws(TLSError) {
    self.settings = settings
    strictTransport = settings.strictTransport.map { "max-age=\($0.wholeMilliseconds / 1000)" }
    guard let tls = settings.tls else {
      (server, tickets, handshakes) = (nil, nil, nil)
      return
    }
    if tls.ticketRotation > .zero {
      tickets = old?.tickets ?? TicketKeys(rotatedEvery: tls.ticketRotation)
      tickets?.rotate(every: tls.ticketRotation)
    } else {
      tickets = nil
    }
    let limits = tls.handshakes.map { rate in
      [Limit(name: "handshakes", per: [.client], counts: .rate(rate, burst: rate.defaultBurst), whenFull: .refuse)]
    }
    handshakes = limits.map { old?.handshakes ?? SlotTable(limits: $0) }
    if let limits { _ = handshakes?.reload(limits, at: .now) }
    server = try TLSServer(
      certificates: tls.certificates.map(\.certificate), authorities: tls.clientAuthorities,
      clientCertificates: tls.clientCertificates, tickets: tickets, ticketLifetime: tls.ticketRotation,
      protocols: settings.http2 ? ["h2", "http/1.1"] : ["http/1.1"])
  }

  /// Whether a handshake comes first.
  var isSecure: Bool { server != nil }

  /// The scheme of what comes in.
  var scheme: ClientScheme { isSecure ? .https : .http }

  /// Whether one more handshake of a client may begin now; that it does is counted.
  func admitsHandshake(of client: ClientKey, at now: Instant) -> Bool {
    guard let handshakes else { return true }
    let (claim, _) = handshakes.claim(.stream, for: LimitSubject(client: client), worker: 0, at: now)
    guard case .admitted(let slot) = claim else { return false }
    // Its token is spent; a rate holds nothing.
    _ = handshakes.release(slot, at: now)
    return true
  }

  /// The layer for one connection; `nil` where memory is short.
  func makeLayer() -> (any SocketLayer)? { server?.makeSession() }
}

/// The doors by the addresses they are at.
typealias Doors = [SocketAddress: Door]
