/// Which pages of other origins may use a route, and how (WHATWG Fetch, CORS protocol).
///
/// A route without a policy of its own has `sameOriginOnly`.
public struct CORSPolicy: Sendable, Equatable {
  /// The origins that may ask.
  public let origins: [OriginPattern]
  /// Whether a page may send the user's cookies and certificates.
  public let credentials: Bool
  /// Request header fields allowed beyond `defaultAllowedHeaders`.
  public let allowedHeaders: [String]
  /// Response header fields that scripts may read beyond `defaultExposedHeaders`.
  public let exposedHeaders: [String]
  /// How long a browser may keep a preflight's answer; whole seconds are sent.
  public let maxAge: Duration
  /// Whether pages from a wider network may reach into this one (Private Network Access); never those of `*` alone.
  public let privateNetwork: Bool

  /// What clients of event streams send: resuming, retrying safely, authenticating, tracing.
  public static let defaultAllowedHeaders = [
    "Last-Event-ID", "Idempotency-Key", "Authorization", "Content-Type", "Cache-Control", "traceparent",
  ]
  /// The field that names a run, without which a script could not resume or stop it.
  public static let defaultExposedHeaders = ["Sluice-Run"]
  /// The `Vary` of every answer of a route, the same-origin ones and refusals included.
  public static let vary: StaticString = "Origin"
  /// The `Vary` of every answer to a preflight.
  public static let preflightVary: StaticString =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

  /// The longest `Origin` that is looked at, in bytes: as long as a pattern may be.
  public static let longestOrigin = 512

  /// No other origin may ask.
  public static let sameOriginOnly = CORSPolicy()
  /// Every origin may ask, without credentials: for what is public.
  public static let anyOrigin = CORSPolicy(validOrigins: [.any])

  private let allowedNames: [String]
  private let allowedValue: String
  private let exposedValue: String

  /// Makes a policy of its settings.
  ///
  /// - Parameters:
  ///   - origins: the origins that may ask; none means the gateway's own only.
  ///   - credentials: whether pages may send cookies; never together with `*`.
  ///   - allowedHeaders: names of request header fields beyond the default ones.
  ///   - exposedHeaders: names of response header fields beyond the default ones.
  ///   - maxAge: how long preflights may be kept, 0 or more.
  ///   - privateNetwork: whether pages of the listed origins may come from a wider network than the gateway's.
  /// - Throws: `AdmissionError`; the settings are then refused as a whole.
  public init(
    origins: [OriginPattern], credentials: Bool, allowedHeaders: [String], exposedHeaders: [String],
    maxAge: Duration, privateNetwork: Bool = false
  ) throws(AdmissionError) {
    if credentials && origins.contains(.any) { throw .anyOriginWithCredentials }
    for name in allowedHeaders + exposedHeaders where !CORSPolicy.isHeaderName(name) {
      throw .headerName(given: name)
    }
    guard maxAge >= .zero else { throw .negativeMaxAge(given: maxAge) }
    self.init(
      validOrigins: origins, credentials: credentials, allowedHeaders: allowedHeaders,
      exposedHeaders: exposedHeaders, maxAge: maxAge, privateNetwork: privateNetwork)
  }

  private init(
    validOrigins origins: [OriginPattern] = [], credentials: Bool = false, allowedHeaders: [String] = [],
    exposedHeaders: [String] = [], maxAge: Duration = .seconds(7200), privateNetwork: Bool = false
  ) {
    self.origins = origins
    self.credentials = credentials
    self.allowedHeaders = allowedHeaders
    self.exposedHeaders = exposedHeaders
    self.maxAge = maxAge
    self.privateNetwork = privateNetwork
    let allowed = CORSPolicy.defaultAllowedHeaders + allowedHeaders
    allowedNames = allowed.map { $0.lowercased() }
    allowedValue = allowed.joined(separator: ", ")
    exposedValue = (CORSPolicy.defaultExposedHeaders + exposedHeaders).joined(separator: ", ")
  }

  /// Decides on one request.
  ///
  /// - Parameters:
  ///   - request: what it says about where it comes from.
  ///   - methods: the methods of the route, `OPTIONS` left out.
  /// - Returns: what to answer; nothing was kept or sent.
  public func decide(_ request: CORSRequest, methods: [String]) -> CORSVerdict {
    if request.isSameOrigin { return .sameOrigin }
    guard let origin = request.origin else { return .refused(.crossSiteWithoutOrigin) }
    let listing = listing(of: origin)
    guard listing != .none else { return .refused(.originNotListed(origin)) }
    guard let method = request.preflightMethod else { return .allowed(grant(to: origin, preflight: nil)) }
    guard methods.contains(method) else { return .refused(.methodNotAllowed(method)) }
    if let name = firstForbiddenHeader(in: request.requestedHeaders ?? "") {
      return .refused(.headerNotAllowed(name))
    }
    let preflight = CORSGrant.Preflight(
      methods: methods.joined(separator: ", "),
      headers: allowedValue,
      maxAgeSeconds: maxAge.components.seconds,
      // Being open to the world is no invitation into a private network: that takes being listed by name as well.
      allowsPrivateNetwork: privateNetwork && request.requestsPrivateNetwork && listing == .named)
    return .preflight(grant(to: origin, preflight: preflight))
  }

  private enum Listing {
    case none
    /// Listed as itself or by its parent.
    case named
    /// Listed because all are.
    case open
  }

  private func listing(of origin: String) -> Listing {
    if origin == "null" { return origins.contains(.null) ? .named : .none }
    guard origin.utf8.count <= CORSPolicy.longestOrigin, let origin = Origin(origin) else { return .none }
    if origins.contains(where: { $0 != .any && $0.matches(origin) }) { return .named }
    return origins.contains(.any) ? .open : .none
  }

  private func grant(to origin: String, preflight: CORSGrant.Preflight?) -> CORSGrant {
    CORSGrant(
      origin: origins.contains(.any) ? "*" : origin, credentials: credentials, exposedHeaders: exposedValue,
      preflight: preflight)
  }

  private func firstForbiddenHeader(in list: String) -> String? {
    for item in list.split(separator: ",") {
      var name = item.drop(while: CORSPolicy.isBlank)
      while let last = name.last, CORSPolicy.isBlank(last) { name.removeLast() }
      if !name.isEmpty && !allowedNames.contains(name.lowercased()) { return String(name) }
    }
    return nil
  }

  private static func isBlank(_ character: Character) -> Bool {
    character == " " || character == "\t"
  }

  /// Whether a text can name a header field here.
  ///
  /// That is a token (RFC 9110 §5.6.2), but not `*` alone, which the CORS fields take for "all".
  ///
  /// - Parameter name: the text.
  /// - Returns: whether it can.
  public static func isHeaderName(_ name: String) -> Bool {
    let isToken = name.utf8.allSatisfy { byte in
      (0x21...0x7e).contains(byte) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }
    return isToken && !name.isEmpty && name != "*"
  }
}
