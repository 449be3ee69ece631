internal import Bytes

/// The head of a request: everything before its body.
public struct RequestHead: Sendable {
  /// What is asked for.
  public var method: Method
  /// The path as it was received, beginning with a slash; `*` for `OPTIONS *`.
  public var path: [UInt8]
  /// What follows the question mark, empty where there is none.
  public var query: [UInt8]
  /// Whether there is a question mark.
  public var hasQuery: Bool
  /// The version the client speaks.
  public var version: HTTPVersion
  /// The fields as they were received.
  public var fields: FieldSection
  /// `nil` for HTTP/1.0 without `Host`.
  private let place: Authority?

  /// Makes a head from its parts.
  ///
  /// - Parameters:
  ///   - method: what is asked for.
  ///   - path: begins with a slash, or is `*`.
  ///   - query: without the question mark; `nil` where there is none.
  ///   - version: the version that the client speaks.
  ///   - authority: host and optional port.
  ///   - fields: the fields.
  /// - Throws: `HTTPViolation` where the authority is malformed; answer with its status.
  public init(
    method: Method, path: [UInt8], query: [UInt8]?, version: HTTPVersion, authority: Span<UInt8>, fields: FieldSection
  ) throws(HTTPViolation) {
    let place = try Authority(authority)
    self.init(
      method: method, path: path, query: query ?? [], hasQuery: query != nil, version: version, place: place,
      fields: fields)
  }

  init(
    method: Method, path: [UInt8], query: [UInt8], hasQuery: Bool, version: HTTPVersion, place: Authority?,
    fields: FieldSection
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.hasQuery = hasQuery
    self.version = version
    self.place = place
    self.fields = fields
  }

  /// A head that asks for nothing.
  public static let none = RequestHead(
    method: .get, path: [], query: [], hasQuery: false, version: .http11, place: nil, fields: FieldSection())

  /// Host and port as the client named them, the host in lower case; empty for HTTP/1.0 without `Host`.
  public var authority: String { place?.text ?? "" }

  /// The host alone, in lower case, an IPv6 address with its brackets; empty for HTTP/1.0 without `Host`.
  public var host: String { place?.host ?? "" }

  /// Whether the client wants the connection to stay open for another request (RFC 9112 §9.3).
  public var persistsConnection: Bool {
    fields.persistsConnection(version: version)
  }

  /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
  ///
  /// The parser has refused every other expectation. HTTP/1.0 knows none.
  public var expectsContinue: Bool {
    version == .http11 && fields.count(of: .expect) > 0
  }

  /// How the body is framed (RFC 9112 §6.3).
  ///
  /// - Throws: `HTTPViolation` where the fields contradict each other or ask for what is not understood; answer with
  ///   its status and close. A head from `RequestHeadParser` has passed already and never throws.
  public func bodyFraming() throws(HTTPViolation) -> BodyFraming {
    try fields.statedFraming(version: version) ?? .none
  }
}
