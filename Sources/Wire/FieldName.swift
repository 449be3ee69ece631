internal import Bytes

/// The field names that the gateway acts upon; every other name is `other` and only passed along.
public enum FieldName: UInt8, CaseIterable, Sendable {
  /// Where the message goes and what it holds.
  case host, contentLength, contentType, contentEncoding, contentLanguage, transferEncoding
  /// The connection (RFC 9110 §7.6.1, §10.1.4).
  case connection, keepAlive, proxyConnection, proxyAuthorization, proxyAuthenticate, te, trailer, upgrade
  /// What the client wants and who it is.
  case expect, accept, acceptEncoding, userAgent, cookie, authorization, lastEventID, idempotencyKey, traceparent
  /// What of the answer it has already (RFC 9110 §13.1.2).
  case ifNoneMatch
  /// Origins and preflights (Fetch §3).
  case origin, accessControlRequestMethod, accessControlRequestHeaders, secFetchSite, secFetchMode
  /// What proxies on the way say (RFC 7239).
  case forwarded, xForwardedFor, xForwardedHost, xForwardedProto, xRealIP
  /// What a server answers.
  case date, server, vary, allow, location, setCookie, wwwAuthenticate, retryAfter, cacheControl
  /// Any other name.
  case other

  /// The name spelled this way, upper and lower case letters being the same; `other` where it is none of ours.
  public init(_ name: Span<UInt8>) {
    let candidate = FieldName.candidate(for: name)
    let isName = candidate != .other && Token.isToken(name) && name.equalsName(candidate.spelling)
    self = isName ? candidate : .other
  }

  /// The same for bytes that are known to be a token (RFC 9110 §5.6.2).
  init(token name: Span<UInt8>) {
    let candidate = FieldName.candidate(for: name)
    guard candidate != .other else {
      self = .other
      return
    }
    self = name.equalsName(candidate.spelling) ? candidate : .other
  }

  /// Whether the field speaks about one connection and is never passed on (RFC 9110 §7.6.1).
  public var isHopByHop: Bool {
    switch self {
    case .connection, .keepAlive, .proxyConnection, .proxyAuthorization, .proxyAuthenticate, .te, .trailer,
      .transferEncoding, .upgrade:
      true
    default: false
    }
  }
}

extension FieldName {
  /// The only name that these bytes can be, judged by their number and one or two letters.
  private static func candidate(for name: Span<UInt8>) -> FieldName {
    guard let first = name.isEmpty ? nil : ASCII.lowercased(name[0]) else { return .other }
    return switch (name.count, first) {
    case (2, 0x74): .te
    case (4, 0x68): .host
    case (4, 0x64): .date
    case (4, 0x76): .vary
    case (5, 0x61): .allow
    case (6, 0x61): .accept
    case (6, 0x63): .cookie
    case (6, 0x65): .expect
    case (6, 0x6F): .origin
    case (6, 0x73): .server
    case (7, 0x74): .trailer
    case (7, 0x75): .upgrade
    case (8, 0x6C): .location
    case (9, 0x66): .forwarded
    case (9, 0x78): .xRealIP
    case (10...14, _): mediumCandidate(for: name, first: first)
    case (15..., _): longCandidate(for: name, first: first)
    default: .other
    }
  }

  private static func mediumCandidate(for name: Span<UInt8>, first: UInt8) -> FieldName {
    switch (name.count, first) {
    case (10, 0x63): .connection
    case (10, 0x6B): .keepAlive
    case (10, 0x73): .setCookie
    case (10, 0x75): .userAgent
    case (11, 0x72): .retryAfter
    case (11, 0x74): .traceparent
    case (12, 0x63): .contentType
    case (13, 0x61): .authorization
    case (13, 0x63): .cacheControl
    case (13, 0x69): .ifNoneMatch
    case (13, 0x6C): .lastEventID
    case (14, 0x63): .contentLength
    case (14, 0x73): ASCII.lowercased(name[10]) == 0x73 ? .secFetchSite : .secFetchMode
    default: .other
    }
  }

  private static func longCandidate(for name: Span<UInt8>, first: UInt8) -> FieldName {
    switch (name.count, first) {
    case (15, 0x61): .acceptEncoding
    case (15, 0x69): .idempotencyKey
    case (15, 0x78): .xForwardedFor
    case (16, 0x63): ASCII.lowercased(name[8]) == 0x65 ? .contentEncoding : .contentLanguage
    case (16, 0x70): .proxyConnection
    case (16, 0x77): .wwwAuthenticate
    case (16, 0x78): .xForwardedHost
    case (17, 0x74): .transferEncoding
    case (17, 0x78): .xForwardedProto
    case (18, 0x70): .proxyAuthenticate
    case (19, 0x70): .proxyAuthorization
    case (29, 0x61): .accessControlRequestMethod
    case (30, 0x61): .accessControlRequestHeaders
    default: .other
    }
  }
}

extension FieldName {
  /// The name in lower case, as HTTP/2 writes it; empty for `other`.
  public var spelling: StaticString {
    // A table, one name a line; the rule on function length is about procedures.
    switch self {
    case .host: "host"
    case .contentLength: "content-length"
    case .contentType: "content-type"
    case .transferEncoding: "transfer-encoding"
    case .connection: "connection"
    case .keepAlive: "keep-alive"
    case .proxyConnection: "proxy-connection"
    case .proxyAuthorization: "proxy-authorization"
    case .proxyAuthenticate: "proxy-authenticate"
    case .te: "te"
    case .trailer: "trailer"
    case .upgrade: "upgrade"
    case .expect: "expect"
    case .accept: "accept"
    case .acceptEncoding: "accept-encoding"
    case .origin: "origin"
    case .cookie: "cookie"
    case .setCookie: "set-cookie"
    case .authorization: "authorization"
    case .wwwAuthenticate: "www-authenticate"
    case .retryAfter: "retry-after"
    case .lastEventID: "last-event-id"
    case .idempotencyKey: "idempotency-key"
    case .ifNoneMatch: "if-none-match"
    case .cacheControl: "cache-control"
    case .userAgent: "user-agent"
    case .forwarded: "forwarded"
    case .xForwardedFor: "x-forwarded-for"
    case .xForwardedHost: "x-forwarded-host"
    case .xForwardedProto: "x-forwarded-proto"
    case .xRealIP: "x-real-ip"
    case .accessControlRequestMethod: "access-control-request-method"
    case .accessControlRequestHeaders: "access-control-request-headers"
    case .secFetchSite: "sec-fetch-site"
    case .secFetchMode: "sec-fetch-mode"
    case .traceparent: "traceparent"
    case .date: "date"
    case .server: "server"
    case .vary: "vary"
    case .allow: "allow"
    case .location: "location"
    case .contentEncoding: "content-encoding"
    case .contentLanguage: "content-language"
    case .other: ""
    }
  }
}
