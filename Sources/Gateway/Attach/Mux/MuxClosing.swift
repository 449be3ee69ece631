internal import Bytes
internal import Wire

/// What the last message of a stream says: one word, a status, and after a refusal what its problem document says.
struct MuxClosing {
  /// The largest document whose members are passed on.
  private static let maxBytes = 4096

  /// The data of the message.
  private(set) var json: [UInt8] = []

  /// The end of a stream that had begun.
  init(_ reason: CloseReason, status: Int) {
    begin(reason, status)
    json.append("}")
  }

  /// An answer that is no stream.
  init(_ response: Response, _ reason: CloseReason) {
    let status = response.head.status
    // What is no stream is of no use here, however well it went.
    let isUseless = status < 300 && status != 204 && reason == .completed
    begin(isUseless ? .refused : reason, status)
    if isUseless { json.append(",\"detail\":\"the target is no event stream\"") }
    let retryAfter = response.head.fields.string(.retryAfter).flatMap { UInt32($0) }
    if let retryAfter {
      json.append(",\"retry_after\":")
      json.append(decimal: UInt64(retryAfter))
    }
    if !isUseless { append(membersOf: Self.document(of: response), butRetryAfter: retryAfter != nil) }
    json.append("}")
  }

  private mutating func begin(_ reason: CloseReason, _ status: Int) {
    json.append("{\"reason\":\"")
    json.append(reason.rawValue)
    json.append("\",\"status\":")
    json.append(decimal: UInt64(status))
  }

  /// The object that the answer consists of, or that its only event has as its data.
  private static func document(of response: Response) -> [UInt8] {
    guard response.head.status == 200 else { return response.body }
    var offset = 0
    guard let event = WrittenEvent(in: response.body.span, at: &offset), let data = event.data else { return [] }
    return Array(response.body[data].dropFirst(6).dropLast())
  }

  /// Appends the members of an object but those that stand here already.
  private mutating func append(membersOf document: [UInt8], butRetryAfter isSaid: Bool) {
    guard document.count <= Self.maxBytes, (try? JSONValue(parsing: document.span, maxDepth: 16)) != nil,
      let members = JSONScanner.members(of: document.span)
    else { return }
    for member in members {
      let name = document.span.extracting(member.name)
      if name.equals("reason") || name.equals("status") { continue }
      if isSaid, name.equals("retry_after") { continue }
      json.append(",\"")
      json.append(name)
      json.append("\":")
      json.append(document.span.extracting(member.value))
    }
  }
}
