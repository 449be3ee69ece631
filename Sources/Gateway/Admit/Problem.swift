internal import Bytes
internal import Wire

/// Refusals as problem documents: `application/problem+json`, RFC 9457.
public enum Problem {
  /// An answer that says what is wrong.
  ///
  /// - Parameters:
  ///   - status: a 4xx or 5xx status.
  ///   - detail: a lower-case sentence for people: subject, given, allowed, which setting.
  ///   - reason: the word for the log.
  ///   - members: further members, names that need no escape and texts.
  /// - Returns: the answer, not cacheable.
  public static func response(
    status: Int, detail: String, reason: CloseReason = .refused, members: [(name: String, value: String)] = []
  ) -> Response {
    var body: [UInt8] = []
    body.append("{\"type\":\"about:blank\",\"title\":")
    JSONScanner.append(quoted: Array("\(StatusCode.phrase(status))".utf8).span, to: &body)
    body.append(",\"status\":")
    body.append(decimal: UInt64(status))
    body.append(",\"detail\":")
    JSONScanner.append(quoted: Array(detail.utf8).span, to: &body)
    for member in members {
      body.append(",\"\(member.name)\":")
      JSONScanner.append(quoted: Array(member.value.utf8).span, to: &body)
    }
    body.append("}\n")
    var head = ResponseHead(status: status)
    head.fields.append("Content-Type", "application/problem+json")
    head.fields.append("Cache-Control", "no-store")
    return Response(head, body: body, reason: reason)
  }
}
