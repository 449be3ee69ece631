internal import Bytes
internal import Wire

/// A request for one stream of a mux, as its client names it.
struct MuxedRequest {
  var isPost = false
  /// Path and query, as the client wrote them.
  var target: [UInt8]
  /// Fields of its own; names are tokens, values hold no control character.
  var fields: [(name: StaticString, value: [UInt8])] = []
  var body: [UInt8] = []

  /// The fields that a stream may have for itself: those that pages of every listed origin may send.
  static let ownFields: [StaticString] = [
    "content-type", "idempotency-key", "last-event-id", "cache-control", "traceparent",
  ]

  /// The head of the request, as it would have come by itself.
  ///
  /// It goes through the same parser: what that refuses, a mux can't smuggle in.
  ///
  /// - Parameters:
  ///   - outer: who asks, and from where.
  ///   - limits: what a head may have.
  /// - Returns: the head; its body is `body`.
  /// - Throws: `HTTPViolation`; the stream is refused with its status.
  func head(like outer: MuxAsker, _ limits: HeadLimits) throws(HTTPViolation) -> RequestHead {
    guard target.first == UInt8(ascii: "/"), target.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw .malformedTarget }
    let authority = outer.head.authority
    var text: [UInt8] = []
    text.append(isPost ? "POST " : "GET ")
    text.append(target.span)
    text.append(authority.isEmpty ? " HTTP/1.0\r\n" : " HTTP/1.1\r\nHost: \(authority)\r\n")
    append(fieldsOf: outer, to: &text)
    text.append("Accept: text/event-stream\r\n")
    for field in fields {
      text.append(field.name)
      Self.append(value: field.value.span, to: &text)
    }
    text.append("\r\n")
    var parser = RequestHeadParser(limits: limits)
    guard let (head, _) = try parser.parse(text.span) else { throw .malformedRequestLine }
    return head
  }

  /// Who asks, and what it says of itself; nothing that is about the outer request alone.
  private func append(fieldsOf outer: MuxAsker, to text: inout [UInt8]) {
    let source = outer.head.fields
    for index in 0..<source.count {
      let field = source[index]
      switch field.name {
      case .host, .accept, .expect, .lastEventID, .idempotencyKey, .contentLength, .contentType, .contentEncoding,
        .contentLanguage:
        continue
      case let name where name.isHopByHop:
        continue
      default:
        text.append(source.bytes.span.extracting(field.nameRange))
        Self.append(value: source.bytes.span.extracting(field.valueRange), to: &text)
      }
    }
    // What the ticket of the outer request stands for.
    if source.first(.authorization) == nil, let authorization = outer.identity?.authorization {
      text.append("Authorization")
      Self.append(value: authorization.span, to: &text)
    }
  }

  private static func append(value: Span<UInt8>, to text: inout [UInt8]) {
    text.append(": ")
    text.append(value)
    text.append("\r\n")
  }
}
