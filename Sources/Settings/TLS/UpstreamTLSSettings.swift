internal import Admission
public import Crypto

/// How the endpoints of a pool prove who they are, and what they are shown.
public struct UpstreamTLSSettings: Sendable {
  /// The path of the file with the authorities that are believed; `nil` for the system's list.
  public let authoritiesFile: String?
  /// Whether an endpoint must prove who it is.
  public let verifies: Bool
  /// The host that certificates must be for; `nil` for the endpoint's own.
  public let serverName: String?
  /// What endpoints that ask are shown.
  public let certificate: CertificateSettings?
  /// All of that in force.
  public let client: TLSClient
  private let authorities: TLSAuthorities?

  /// Puts settings together.
  ///
  /// - Parameters:
  ///   - authorities: who is believed, with the path of the file; `nil` for the system's list.
  ///   - verifies: whether an endpoint must prove who it is.
  ///   - serverName: the host that certificates must be for; `nil` for the endpoint's own.
  ///   - certificate: what endpoints that ask are shown.
  /// - Throws: `TLSError` where OpenSSL does not take the certificate.
  public init(
    authorities: (path: String, authorities: TLSAuthorities)? = nil, verifies: Bool = true, serverName: String? = nil,
    certificate: CertificateSettings? = nil
  ) throws(TLSError) {
    authoritiesFile = authorities?.path
    self.authorities = authorities?.authorities
    self.verifies = verifies
    self.serverName = serverName
    self.certificate = certificate
    client = try TLSClient(
      authorities: authorities?.authorities, verifies: verifies, certificate: certificate?.certificate)
  }
}

extension UpstreamTLSSettings: Equatable {
  /// Equal choices and equal files.
  public static func == (left: UpstreamTLSSettings, right: UpstreamTLSSettings) -> Bool {
    left.authoritiesFile == right.authoritiesFile && left.authorities == right.authorities
      && left.verifies == right.verifies && left.serverName == right.serverName && left.certificate == right.certificate
  }
}

extension UpstreamTLSSettings {
  /// Reads the settings and the files they name; `nil` where no endpoint needs them, or if they can't be.
  ///
  /// - Parameters:
  ///   - reader: the mapping; empty where the file has none.
  ///   - isNeeded: whether an endpoint speaks TLS.
  init?(_ reader: SettingsReader, isNeeded: Bool) {
    let authorities = reader.authorities(
      "ca", "A PEM file with the authorities that are believed; without it, the system's.")
    let verifies = reader.flag(
      "verify", default: true, "Whether endpoints must prove who they are; false is insecure, anybody may answer then.")
    let serverName = reader.optional(
      "server_name", allowed: "a host name without scheme and port",
      "The host that their certificates must be for, and that they are asked for; without it, the endpoint's own."
    ) { text in
      if case .name? = Host(text) { text.lowercased() } else { nil }
    }
    let certificate = CertificateSettings(reader, isRequired: false, ", for endpoints that ask who comes")
    guard reader.isClean, isNeeded else { return nil }
    if !verifies, authorities != nil {
      reader.refuse("ca", given: "ca with verify: false", allowed: "ca only where endpoints are verified")
    }
    do throws(TLSError) {
      try self.init(authorities: authorities, verifies: verifies, serverName: serverName, certificate: certificate)
    } catch {
      reader.refuse("certificate", given: error.given, allowed: error.allowed)
      return nil
    }
  }
}
