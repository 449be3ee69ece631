internal import Admission
internal import Bytes
internal import Wire

/// Which of a client's fields an orchestrator sees.
///
/// All end-to-end fields pass but these: hop-by-hop fields and those that `Connection` names (RFC 9110 §7.6.1);
/// what the gateway answers for itself (encoding, resumption, expectation); credentials, unless the route
/// forwards them; and what others claim about the client's address, which is replaced by what is known.
enum ForwardedFields {
  /// The fields for an upstream request, without Host and length.
  ///
  /// - Parameters:
  ///   - head: the client's request.
  ///   - client: who asks, as far as it is known.
  ///   - scheme: by what it came.
  ///   - identity: what its ticket stands for.
  ///   - credentials: which credentials pass.
  ///   - contentType: replaces the client's, where the body was made here.
  /// - Returns: fields to send.
  static func make(
    from head: RequestHead, client: ClientAddress?, scheme: ClientScheme, identity: ExchangeIdentity?,
    credentials: CredentialForwarding,
    contentType: StaticString?
  ) -> FieldSection {
    var fields = FieldSection()
    let source = head.fields
    let hasConnection = source.first(.connection) != nil
    for index in 0..<source.count {
      let field = source[index]
      guard passes(field.name, authorization: credentials.authorization, replacesContentType: contentType != nil) else {
        continue
      }
      if field.name == .other, isWithheld(source.bytes[field.nameRange]) { continue }
      if hasConnection,
        source.contains(token: source.bytes.span.extracting(field.nameRange), in: .connection)
      {
        continue
      }
      fields.append(field, of: source)
    }
    if let contentType { fields.append("Content-Type", contentType) }
    fields.append("Accept", "text/event-stream, application/x-ndjson;q=0.9, text/plain;q=0.5")
    if credentials.authorization, source.first(.authorization) == nil, let authorization = identity?.authorization {
      fields.append("Authorization", authorization.span)
    }
    if let cookies = credentials.cookies.value(from: source) { fields.append("Cookie", cookies.span) }
    append(client, scheme: scheme, authority: head.authority, to: &fields)
    return fields
  }

  /// What is known of the client, in the fields that orchestrators look at.
  static func append(_ client: ClientAddress?, scheme: ClientScheme, authority: String, to fields: inout FieldSection) {
    guard let client else { return }
    let values = ForwardedValues(client, scheme: scheme, authority: authority)
    if let addresses = values.forwardedFor { fields.append("X-Forwarded-For", addresses) }
    fields.append("X-Forwarded-Proto", values.proto)
    if let host = values.host { fields.append("X-Forwarded-Host", host) }
    fields.append("Forwarded", values.forwarded)
  }

  /// Names that this gateway does not know, and that would not mean what they say.
  ///
  /// What others claim in `X-Forwarded-…` is not for orchestrators to believe, `_` is read as `-` by many of them, and
  /// a range or a condition makes no sense for a stream.
  private static func isWithheld(_ name: ArraySlice<UInt8>) -> Bool {
    let name = String(decoding: name.map(ASCII.lowercased), as: UTF8.self)
    if name.hasPrefix("x-forwarded-") || name.contains("_") { return true }
    return withheld.contains(name)
  }

  private static let withheld: Set<String> = [
    "cookie2", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range",
    "true-client-ip",
  ]

  private static func passes(_ name: FieldName, authorization: Bool, replacesContentType: Bool) -> Bool {
    if name.isHopByHop { return false }
    switch name {
    case .host, .contentLength, .expect, .accept, .acceptEncoding, .lastEventID: return false
    case .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedProto, .xRealIP: return false
    case .authorization: return authorization
    case .cookie: return false
    case .contentType: return !replacesContentType
    default: return true
    }
  }
}
