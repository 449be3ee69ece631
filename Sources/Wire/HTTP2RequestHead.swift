internal import Bytes

/// Puts the head of an HTTP/2 request together, field by field, by the same rules as `RequestHeadParser` (RFC 9113 §8.3).
///
/// The first violation is kept and told at the end, because the rest of a header block has to be decoded in any case.
///
/// *Bound*: `HeadLimits`; what goes beyond is counted and not kept.
public struct HTTP2RequestHead: Sendable {
  private let limits: HeadLimits
  private var bytes = 0
  private var violation: HTTPViolation?
  private var method: [UInt8]?
  private var scheme: [UInt8]?
  private var path: [UInt8]?
  private var authority: [UInt8]?
  /// The cookies, which browsers send in several fields (RFC 9113 §8.2.3).
  private var cookie: [UInt8] = []
  private var fields = FieldSection()

  /// Begins a head.
  public init(limits: HeadLimits) {
    self.limits = limits
  }

  /// Whether something was wrong so far: the rest changes nothing.
  public var isRefused: Bool { violation != nil }

  /// Takes the next field, a pseudo-field or another.
  public mutating func append(_ name: Span<UInt8>, _ value: Span<UInt8>) {
    guard violation == nil else { return }
    // As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2).
    bytes += name.count + value.count + 32
    do throws(HTTPViolation) {
      guard bytes <= limits.headBytes else { throw .headTooLarge(allowedBytes: limits.headBytes) }
      try HTTP2RequestHead.check(value)
      if name.isEmpty || name[0] != UInt8(ascii: ":") {
        try appendField(name, value)
      } else {
        try appendPseudoField(name, value)
      }
    } catch {
      violation = error
    }
  }

  private static func check(_ value: Span<UInt8>) throws(HTTPViolation) {
    var index = 0
    while let control = value.firstIndex(ofControlOr: 0x7F, 0x7F, from: index) {
      guard value[control] == ASCII.tab else { throw value[control] == 0 ? .nulInField : .controlInField }
      index = control + 1
    }
  }

  private mutating func appendPseudoField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTPViolation) {
    guard fields.isEmpty, cookie.isEmpty else { throw .malformedFieldName }
    if name.equals(":method"), method == nil {
      method = [UInt8](value)
    } else if name.equals(":scheme"), scheme == nil {
      scheme = [UInt8](value)
    } else if name.equals(":path"), path == nil {
      path = [UInt8](value)
    } else if name.equals(":authority"), authority == nil {
      authority = [UInt8](value)
    } else {
      // Unknown, twice, or `:protocol`: no tunnels here.
      throw .malformedFieldName
    }
  }

  private mutating func appendField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTPViolation) {
    guard !name.isEmpty else { throw .emptyFieldName }
    guard Token.isToken(name), name.indices.allSatisfy({ ASCII.lowercased(name[$0]) == name[$0] }) else {
      throw .malformedFieldName
    }
    guard fields.count < limits.fields else { throw .tooManyFields(allowed: limits.fields) }
    switch FieldName(name) {
    case .cookie:
      if !cookie.isEmpty { cookie.append("; ") }
      return cookie.append(value)
    case .te:
      // Of all that speaks about the connection only this may be said (RFC 9113 §8.2.2).
      guard value.equalsIgnoringCase("trailers") else { throw .connectionField }
    case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade:
      throw .connectionField
    case .expect:
      guard value.equalsIgnoringCase("100-continue") else { throw .unsupportedExpectation }
    default: break
    }
    fields.append(name, value)
  }

  /// The head, once every field was taken.
  ///
  /// It reads as one of HTTP/1.1, whose meaning it has (RFC 9110).
  ///
  /// - Throws: `HTTPViolation`, the first that was found; answer with its status.
  public mutating func finish() throws(HTTPViolation) -> RequestHead {
    if let violation { throw violation }
    guard let method = method.flatMap({ Method($0.span) }) else { throw .malformedMethod }
    guard method != .connect else { throw .unsupportedMethod }
    guard let path, !path.isEmpty, scheme != nil else { throw .malformedTarget }
    guard path.count <= limits.targetBytes else { throw .targetTooLong(allowedBytes: limits.targetBytes) }
    let target = try HTTP2RequestHead.target(path, method)
    let place = try place()
    let cookie = cookie
    if !cookie.isEmpty { fields.append("cookie", cookie.span) }
    _ = try fields.statedFraming(version: .http11)
    return RequestHead(
      method: method, path: Array(path[target.path]), query: Array(path[target.query]), hasQuery: target.hasQuery,
      version: .http11, place: place, fields: fields)
  }

  private static func target(_ path: [UInt8], _ method: Method) throws(HTTPViolation) -> RequestTarget {
    for byte in path {
      switch byte {
      case UInt8(ascii: "#"): throw .fragmentInTarget
      case 0x80...: throw .nonASCIIInTarget
      case ..<0x21, 0x7F: throw .controlInTarget
      default: break
      }
    }
    let isAsterisk = path == [UInt8(ascii: "*")]
    guard path[0] == UInt8(ascii: "/") || isAsterisk else { throw .malformedTarget }
    return try RequestTarget(path.span, 0..<path.count, method: method)
  }

  /// `:authority` or `host`, which mean the same where both are there (RFC 9113 §8.3.1).
  private func place() throws(HTTPViolation) -> Authority {
    guard fields.count(of: .host) < 2 else { throw .duplicateHost }
    let host = fields.first(.host).map { Array(fields.bytes[$0]) }
    guard let stated = authority ?? host else { throw .missingHost }
    let place = try Authority(stated.span)
    if let host, try Authority(host.span).text != place.text { throw .duplicateHost }
    return place
  }
}
