/// One entry of a list of origins that may call across origins.
public enum OriginPattern: Sendable, Hashable {
  /// Every origin, but not `null`.
  case any
  /// The origin of sandboxed frames, `data:` and `file:` pages, which all say `null`.
  case null
  /// One origin.
  case exact(Origin)
  /// The origins whose host is exactly one label more than this one's: `https://*.example.com`.
  case subdomains(of: Origin)

  /// Reads a pattern as it stands in the settings.
  ///
  /// - Parameter text: `scheme://host[:port]`, `http[s]://*.host[:port]`, `*` or `null`, at most 512 bytes. Upper case
  ///   and default ports are normalized.
  /// - Throws: `AdmissionError.origin`, which says what would have been a pattern.
  public init(_ text: String) throws(AdmissionError) {
    switch text {
    case "*": self = .any
    case "null": self = .null
    default: self = try OriginPattern.parse(text)
    }
  }

  /// Whether an origin is listed by this pattern.
  ///
  /// - Parameter origin: the value of an `Origin` field as the browser sent it.
  /// - Returns: `false` also for what is no origin.
  public func matches(_ origin: String) -> Bool {
    if origin == "null" { return self == .null }
    return Origin(origin).map(matches) ?? false
  }

  /// Whether an origin that was read already is listed by this pattern.
  func matches(_ origin: Origin) -> Bool {
    switch self {
    case .any: true
    case .null: false
    case .exact(let listed): origin == listed
    case .subdomains(let parent): origin.isOneLabelBelow(parent)
    }
  }
}

extension OriginPattern: CustomStringConvertible {
  /// The pattern as it stands in the settings, normalized.
  public var description: String {
    switch self {
    case .any: "*"
    case .null: "null"
    case .exact(let origin): "\(origin)"
    case .subdomains(let parent):
      "\(parent.scheme)://*.\(parent.host)\(parent.port.map { ":\($0)" } ?? "")"
    }
  }
}

extension OriginPattern {
  private static let form = "scheme://host[:port], https://*.host[:port], * or null"

  private static func parse(_ text: String) throws(AdmissionError) -> OriginPattern {
    func refused(_ allowed: String) -> AdmissionError { .origin(given: text, allowed: allowed) }

    guard text.utf8.count <= 512 else { throw refused("at most 512 bytes") }
    guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
      throw refused("the host in its ASCII form (xn--…), as browsers send it")
    }
    guard let (scheme, rest) = Origin.split(text), Origin.isScheme(scheme) else {
      throw refused("an origin with its scheme: \(form)")
    }
    if let slash = rest.firstIndex(where: { "/?#".contains($0) }) {
      let origin = "\(scheme)://\(rest[..<slash])"
      throw refused("an origin without path, slash or query, such as \(origin)")
    }
    guard !rest.contains("@") else { throw refused("an origin without a user: \(form)") }

    let isWildcard = rest.hasPrefix("*.")
    let hostAndPort = isWildcard ? rest.dropFirst(2) : rest
    guard !hostAndPort.contains("*") else {
      throw refused("* alone, or once and as the whole first label, as in https://*.example.com")
    }
    guard let authority = Authority(hostAndPort) else {
      throw refused("a host name or address (IPv6 in brackets) and a port from 1 to 65535: \(form)")
    }
    let origin = Origin(scheme: scheme.lowercased(), host: authority.host, port: authority.port)
    if case .name(let name) = origin.host, name.hasSuffix(".") {
      throw refused("the host without the dot at its end")
    }
    return isWildcard ? try subdomains(of: origin, given: text) : .exact(origin)
  }

  private static func subdomains(of parent: Origin, given: String) throws(AdmissionError) -> OriginPattern {
    guard ["http", "https"].contains(parent.scheme), case .name = parent.host else {
      throw .origin(given: given, allowed: "* only below a host name, with http or https")
    }
    return .subdomains(of: parent)
  }
}

extension Origin {
  fileprivate func isOneLabelBelow(_ parent: Origin) -> Bool {
    guard scheme == parent.scheme, port == parent.port, case .name(let name) = host,
      case .name(let parentName) = parent.host, let dot = name.firstIndex(of: ".")
    else { return false }
    return name[dot...].dropFirst() == parentName
  }
}
