/// The head of a response: everything before its body.
///
/// The reason phrase means nothing and is not kept.
public struct ResponseHead: Sendable {
  /// The status, from 100 to 599.
  public var status: Int
  /// The version the server spoke; HTTP/1.1 for our own.
  public var version: HTTPVersion
  /// The fields.
  public var fields: FieldSection

  /// Makes a head of our own without fields.
  public init(status: Int) {
    self.init(status: status, version: .http11, fields: FieldSection())
  }

  init(status: Int, version: HTTPVersion, fields: FieldSection) {
    self.status = status
    self.version = version
    self.fields = fields
  }

  /// Whether the response is followed by another one to the same request.
  public var isInterim: Bool { (100..<200).contains(status) }

  /// How the body of the response is framed (RFC 9112 §6.3).
  ///
  /// - Parameter method: what the request asked for; an answer to `HEAD` has no body.
  /// - Returns: where the body ends; `untilClose` where the fields do not say.
  /// - Throws: `HTTPViolation` where the fields contradict each other or ask for what is not understood; treat the
  ///   response as a bad gateway and close the connection.
  public func bodyFraming(for method: Method) throws(HTTPViolation) -> BodyFraming {
    if isInterim || status == 204 || status == 304 || method == .head { return .none }
    return try fields.statedFraming(version: version) ?? .untilClose
  }

  /// Whether the server leaves the connection open after this response, provided that its body is not `untilClose`
  /// (RFC 9112 §9.3).
  public var persistsConnection: Bool {
    fields.persistsConnection(version: version)
  }
}
