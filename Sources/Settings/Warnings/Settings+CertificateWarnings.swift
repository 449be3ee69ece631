internal import Crypto

extension Settings {
  /// Certificates that nobody believes any more, or soon won't.
  func certificateWarnings(_ surroundings: Surroundings) -> [SettingsWarning] {
    guard let now = surroundings.now else { return [] }
    return certificateFiles.compactMap { key, certificate in
      let expires = max(0, certificate.certificate.expires)
      let days = (expires - now) / 86400
      guard days < Settings.renewalDays else { return nil }
      let isOver = expires < now
      return SettingsWarning(
        key: key,
        text: "the certificate in \(certificate.certificateFile) "
          + (isOver ? "has expired, and no client believes it; renew it" : "expires within \(days + 1) days; renew it"))
    }
  }

  /// A certificate that lives shorter than this should have been renewed: authorities that issue for 90 days want it at 30.
  private static let renewalDays = 14

  /// Every certificate with its key in the file.
  public var certificateFiles: [(key: String, certificate: CertificateSettings)] {
    let listeners = listen.enumerated().flatMap { index, listener in
      (listener.tls?.certificates ?? []).map { (key: "listen[\(index)].tls", certificate: $0) }
    }
    let pools = upstreamNames.compactMap { name in
      upstreams[name]?.tls?.certificate.map { (key: "upstreams.\(name).tls", certificate: $0) }
    }
    return listeners + pools
  }
}
