public import Admission
public import Crypto

/// How a listener encrypts, and whom it asks for certificates.
public struct ListenerTLSSettings: Sendable, Equatable {
  /// The certificates, 1 to 65; the first is for clients that name no host, or none that any other covers.
  public var certificates: [CertificateSettings]
  /// The path of the file with the authorities of clients' certificates; `nil` where none are asked for.
  public var clientAuthoritiesFile: String?
  /// What it held.
  public var clientAuthorities: TLSAuthorities?
  /// Whether clients must show a certificate, where they are asked.
  public var clientCertificates: ClientCertificates
  /// How long a handshake may take; 100 ms to 5 min.
  public var handshakeTimeout: Duration
  /// How many handshakes one client may begin; `nil` for as many as it likes.
  public var handshakes: Rate?
  /// How long a key seals session tickets, and for how long a session can go on; zero for no tickets, at most 7 d.
  public var ticketRotation: Duration

  /// Puts settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - certificates: at least one.
  ///   - clientAuthorities: whose certificates clients show.
  ///   - clientCertificates: whether they must.
  ///   - handshakeTimeout: how long a handshake may take.
  ///   - handshakes: how many one client may begin.
  ///   - ticketRotation: how long a key seals tickets.
  public init(
    certificates: [CertificateSettings], clientAuthorities: TLSAuthorities? = nil,
    clientCertificates: ClientCertificates = .required, handshakeTimeout: Duration = .seconds(10),
    handshakes: Rate? = nil, ticketRotation: Duration = .seconds(12 * 3600)
  ) {
    self.certificates = certificates
    self.clientAuthorities = clientAuthorities
    self.clientCertificates = clientCertificates
    self.handshakeTimeout = handshakeTimeout
    self.handshakes = handshakes
    self.ticketRotation = ticketRotation
  }
}

extension ListenerTLSSettings {
  private static let standard = ListenerTLSSettings(certificates: [])

  /// Reads the settings and the files they name; `nil` without a usable certificate, which the reader has noted.
  init?(_ reader: SettingsReader) {
    let first = CertificateSettings(
      reader, isRequired: !reader.has("certificates"), "; also for clients that name no host")
    let more = ListenerTLSSettings.more(reader)
    let authorities = reader.authorities(
      "client_ca", "A PEM file with the authorities of clients' certificates; without it, clients show none.")
    let clientCertificates = reader.choice(
      "client_certificates", default: ListenerTLSSettings.standard.clientCertificates,
      "Whether clients must show a certificate of client_ca, or may.")
    let handshakeTimeout = reader.duration(
      "handshake_timeout", default: ListenerTLSSettings.standard.handshakeTimeout,
      in: .milliseconds(100) ... .seconds(300), "How long a handshake may take.")
    let handshakes = reader.text(
      "handshakes", default: HandshakeRate(rate: nil), allowed: HandshakeRate.allowed,
      "How many handshakes a client may begin in a second, minute or hour, an IPv6 client being its /64; or none."
    ) { HandshakeRate($0) }
    let rotation = reader.duration(
      "ticket_rotation", default: ListenerTLSSettings.standard.ticketRotation, in: .zero ... .seconds(7 * 86400),
      scale: .seconds,
      "How long a key for session tickets is used, and a session can go on; 0s = each connection begins anew.")
    guard reader.isClean else { return nil }
    if authorities == nil, reader.has("client_certificates") {
      reader.refuse("client_certificates", given: "client_certificates alone", allowed: "only together with client_ca")
    }
    self.init(
      certificates: (first.map { [$0] } ?? []) + more, clientAuthorities: authorities?.authorities,
      clientCertificates: clientCertificates, handshakeTimeout: handshakeTimeout, handshakes: handshakes.rate,
      ticketRotation: rotation)
    clientAuthoritiesFile = authorities?.path
    check(reader)
  }

  private static func more(_ reader: SettingsReader) -> [CertificateSettings] {
    let summary = "Further certificates for the hosts they name, exactly or by a wildcard for one level."
    guard reader.has("certificates") else {
      _ = reader.ask("certificates", summary, default: nil, allowed: "a list of 1 to 64 mappings")
      return []
    }
    return reader.sections("certificates", count: 1...64, once: (key: "certificate", of: \.certificateFile), summary) {
      CertificateSettings($0, isRequired: true, "")
    }
  }

  /// Notes what OpenSSL would not take.
  private func check(_ reader: SettingsReader) {
    for (index, certificate) in certificates.enumerated() {
      do throws(TLSError) {
        _ = try TLSServer(certificates: [certificate.certificate])
      } catch {
        let isFirst = index == 0 && reader.has("certificate")
        let place = index - (reader.has("certificate") ? 1 : 0)
        reader.refuse(
          isFirst ? "certificate" : "certificates[\(place)].certificate",
          given: "\(SettingsProblem.quoted(certificate.certificateFile)), \(error.given)", allowed: error.allowed)
      }
    }
  }
}

/// A rate, or none, as it stands in the settings.
private struct HandshakeRate: CustomStringConvertible {
  static let allowed = "none, or \(Rate.allowed)"

  let rate: Rate?

  init(rate: Rate?) {
    self.rate = rate
  }

  init?(_ text: String) {
    if text == "none" {
      rate = nil
    } else if let rate = Rate(text) {
      self.rate = rate
    } else {
      return nil
    }
  }

  var description: String { rate?.description ?? "none" }
}
