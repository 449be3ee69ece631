import Admission

extension Settings {
  /// What the policies for other origins open up; a policy that stands at several places is told of once.
  func corsWarnings() -> [SettingsWarning] {
    let places = [("cors", cors)] + routes.enumerated().map { ("routes[\($0)].cors", $1.cors) }
    var seen: [CORSPolicy] = []
    return places.flatMap { key, policy -> [SettingsWarning] in
      guard let policy, !seen.contains(policy) else { return [] }
      seen.append(policy)
      let warnings = policy.origins.compactMap { $0.warning(credentials: policy.credentials) }
      return (policy.hasEffect ? warnings : [CORSPolicy.noEffect]).map { text in
        SettingsWarning(key: "\(key).origins", text: text)
      }
    }
  }
}

extension CORSPolicy {
  fileprivate static let noEffect = "no origin is listed, so the other settings of cors change nothing"

  fileprivate var hasEffect: Bool {
    !origins.isEmpty || self == .sameOriginOnly
  }
}

extension OriginPattern {
  /// Top-level names that nobody can register a site below (RFC 6761, RFC 6762, ICANN's `internal`).
  private static let privateNames = ["localhost", "local", "internal", "test"]

  fileprivate func warning(credentials: Bool) -> String? {
    switch self {
    case .any: nil
    case .null:
      "every website can make a frame whose origin is null, so listing it lists all"
        + (credentials ? ", with the user's cookies" : "")
    case .exact(let origin):
      credentials && origin.isOpenToTampering
        ? "\(self) is not encrypted: whoever is on the way can put a script into its pages that acts with the user's "
          + "cookies; list it with https"
        : nil
    case .subdomains(let parent): warning(below: parent, credentials: credentials)
    }
  }

  private func warning(below parent: Origin, credentials: Bool) -> String? {
    let name = "\(parent.host)"
    if !name.contains("."), !OriginPattern.privateNames.contains(name) {
      return "\(self) lists every site registered below \(name); list the hosts of your own"
    }
    if credentials && parent.isOpenToTampering {
      return "\(self) is not encrypted: whoever is on the way can put a script into its pages that acts with the "
        + "user's cookies; list it with https"
    }
    if credentials {
      return "every host below \(name), also one that somebody forgot or took over, may act with the user's cookies; "
        + "list the hosts that need it"
    }
    return nil
  }
}

extension Origin {
  /// Whether pages of this origin come over a network unencrypted.
  fileprivate var isOpenToTampering: Bool {
    guard scheme == "http" else { return false }
    switch host {
    case .name(let name): return name != "localhost" && !name.hasSuffix(".localhost")
    case .ipv4(let value): return value >> 24 != 127
    case .ipv6(let value): return value != 1
    }
  }
}
