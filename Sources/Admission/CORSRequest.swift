/// What a request says about where it comes from: the fields that the CORS protocol and Fetch Metadata define.
public struct CORSRequest: Sendable, Equatable {
  /// The `Origin` field, `nil` where there is none.
  public var origin: String?
  /// The `Host` field: the host, and the port where it is not the scheme's default one.
  public var authority: String
  /// The `Sec-Fetch-Site` field, which a browser sends over TLS and to this machine, and no script can set.
  public var fetchSite: String?
  /// The request's method.
  public var method: String
  /// The `Access-Control-Request-Method` field, which makes an `OPTIONS` request a preflight.
  public var requestedMethod: String?
  /// The `Access-Control-Request-Headers` field, names with commas in between.
  public var requestedHeaders: String?
  /// Whether the request has `Access-Control-Request-Private-Network: true`.
  public var requestsPrivateNetwork: Bool

  /// Gathers the fields of one request.
  ///
  /// - Parameters:
  ///   - origin: the `Origin` field.
  ///   - authority: the `Host` field.
  ///   - fetchSite: the `Sec-Fetch-Site` field.
  ///   - method: the request's method.
  ///   - requestedMethod: the `Access-Control-Request-Method` field.
  ///   - requestedHeaders: the `Access-Control-Request-Headers` field, repeated ones joined by commas.
  ///   - requestsPrivateNetwork: whether `Access-Control-Request-Private-Network` is `true`.
  public init(
    origin: String?, authority: String, fetchSite: String?, method: String, requestedMethod: String?,
    requestedHeaders: String?, requestsPrivateNetwork: Bool
  ) {
    self.origin = origin
    self.authority = authority
    self.fetchSite = fetchSite
    self.method = method
    self.requestedMethod = requestedMethod
    self.requestedHeaders = requestedHeaders
    self.requestsPrivateNetwork = requestsPrivateNetwork
  }

  /// Whether the page that asks is served by this gateway.
  ///
  /// A browser that sends `Sec-Fetch-Site` knows best: it is right behind proxies that rewrite `Host`, and where a plain
  /// `http` page calls the `https` host of the same name. Only without it do `Origin` and `Host` have to do.
  var isSameOrigin: Bool {
    switch fetchSite {
    case "same-origin": true
    case "same-site", "cross-site": false
    default: origin.flatMap { Origin($0) }?.isSame(as: authority) ?? (origin == nil)
    }
  }

  /// The method that a preflight asks for, `nil` where this is none (WHATWG Fetch, CORS-preflight request).
  var preflightMethod: String? {
    method == "OPTIONS" ? requestedMethod : nil
  }
}
