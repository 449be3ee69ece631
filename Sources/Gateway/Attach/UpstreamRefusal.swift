internal import Bytes
internal import Wire

/// An upstream's answer that is no stream, collected for the clients whose answers have not begun.
struct UpstreamRefusal {
  /// The largest that is passed on.
  private static let maxBytes = 1024 * 1024

  let head: ResponseHead
  private var body: [UInt8] = []

  /// What was collected.
  var bytes: Int { body.count }

  init(_ head: ResponseHead) {
    self.head = head
  }

  /// Takes more of the body; false where it is too large to be passed on.
  mutating func append(_ bytes: Span<UInt8>) -> Bool {
    body.append(bytes)
    return body.count <= Self.maxBytes
  }

  /// The upstream's own words, with those of its fields that are about them.
  var response: Response {
    var answer = ResponseHead(status: head.status)
    for index in 0..<head.fields.count {
      switch head.fields[index].name {
      case .contentType, .contentLanguage, .location, .retryAfter, .allow, .wwwAuthenticate:
        answer.fields.append(head.fields[index], of: head.fields)
      default:
        continue
      }
    }
    answer.fields.append("Cache-Control", "no-store")
    return Response(answer, body: body, reason: .upstreamStatus)
  }
}
