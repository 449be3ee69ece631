internal import Bytes
public import Wire

extension CORSRequest {
  /// Gathers the fields of a request's head.
  ///
  /// Fields that come more than once are joined by commas (RFC 9110 §5.3), which makes a list of the requested header
  /// fields, and of everything else a value that nothing is equal to: two origins are none.
  ///
  /// - Parameters:
  ///   - head: the request's head.
  ///   - authority: the host and port that the client asked for: the head's own, or what a trusted proxy says.
  ///   - isCostly: whether another site's page may not even ask without naming its origin; `Sec-Fetch-Site` counts then
  ///     without `Origin` too.
  public init(_ head: RequestHead, authority: String, isCostly: Bool) {
    let fields = head.fields
    let origin = fields.joined(.origin)
    self.init(
      origin: origin,
      authority: authority,
      fetchSite: origin != nil || isCostly ? fields.joined(.secFetchSite) : nil,
      method: head.method.name,
      requestedMethod: fields.joined(.accessControlRequestMethod),
      requestedHeaders: fields.joined(.accessControlRequestHeaders),
      requestsPrivateNetwork: fields.requestsPrivateNetwork)
  }
}

extension FieldSection {
  /// The values of all fields of a name as one, `nil` where there is none.
  fileprivate func joined(_ name: FieldName) -> String? {
    guard count(of: name) > 1 else { return string(name) }
    var values: [String] = []
    for index in 0..<count where self[index].name == name {
      values.append(String(bytes.span.extracting(self[index].valueRange)))
    }
    return values.joined(separator: ", ")
  }

  /// Whether a preflight asks to reach a private network (Private Network Access, §3.1).
  fileprivate var requestsPrivateNetwork: Bool {
    guard first(.accessControlRequestMethod) != nil else { return false }
    var isRequested = false
    for index in 0..<count where self[index].name == .other {
      let field = self[index]
      guard bytes.span.extracting(field.nameRange).equalsIgnoringCase("Access-Control-Request-Private-Network")
      else { continue }
      guard bytes.span.extracting(field.valueRange).equals("true") else { return false }
      isRequested = true
    }
    return isRequested
  }
}
