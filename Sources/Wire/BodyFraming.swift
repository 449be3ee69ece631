internal import Bytes

/// How the end of a message body is found (RFC 9112 §6).
public enum BodyFraming: Equatable, Sendable {
  /// There is no body.
  case none
  /// The body has this many bytes, at most `Int64.max`.
  case length(UInt64)
  /// The body is sent in chunks, the last of which is empty.
  case chunked
  /// The body ends where the connection ends; responses only.
  case untilClose
}

extension FieldSection {
  /// What `Content-Length` and `Transfer-Encoding` say; `nil` where neither is there.
  ///
  /// A recipient that guesses here lets two parsers disagree about where a message ends, so that everything but one
  /// plain number or one `chunked` is refused, also what RFC 9112 §6.3 would let a recipient repair.
  func statedFraming(version: HTTPVersion) throws(HTTPViolation) -> BodyFraming? {
    let lengths = count(of: .contentLength)
    if count(of: .transferEncoding) > 0 {
      guard lengths == 0 else { throw .lengthAndTransferEncoding }
      guard version == .http11 else { throw .transferEncodingInHTTP10 }
      try checkTransferEncoding()
      return .chunked
    }
    guard lengths > 0, let range = first(.contentLength) else { return nil }
    guard lengths == 1 else { throw .repeatedContentLength }
    return .length(try FieldSection.contentLength(bytes.span.extracting(range)))
  }

  private static func contentLength(_ value: Span<UInt8>) throws(HTTPViolation) -> UInt64 {
    guard value.firstIndex(of: 0x2C) == nil else { throw .repeatedContentLength }
    guard !value.isEmpty else { throw .malformedContentLength }
    var length: UInt64 = 0
    var overflows = false
    for index in value.indices {
      guard let digit = ASCII.digit(value[index]) else { throw .malformedContentLength }
      // 2^63 does not fit in 19 digits and ten times what fits in 63 bits may wrap, so the mark is kept apart.
      overflows = overflows || length > (UInt64(Int64.max) - UInt64(digit)) / 10
      length = length &* 10 &+ UInt64(digit)
    }
    guard !overflows else { throw .contentLengthOverflow }
    return length
  }

  /// Lets only one single `chunked` pass, over all fields of the name.
  private func checkTransferEncoding() throws(HTTPViolation) {
    var chunked = 0
    var others = 0
    var isChunkedLast = false
    for index in 0..<count where self[index].name == .transferEncoding {
      let value = bytes.span.extracting(self[index].valueRange)
      var list = ListElements()
      while let range = list.next(in: value) {
        guard !range.isEmpty else { throw .malformedTransferEncoding }
        isChunkedLast = value.extracting(range).equalsIgnoringCase("chunked")
        if isChunkedLast { chunked += 1 } else { others += 1 }
      }
    }
    guard chunked == 0 || (chunked == 1 && isChunkedLast) else { throw .chunkedNotLast }
    guard others == 0 else { throw .unsupportedTransferCoding }
  }

  /// Whether the connection outlives the message (RFC 9112 §9.3).
  func persistsConnection(version: HTTPVersion) -> Bool {
    if contains(token: "close", in: .connection) { return false }
    return version == .http11 || contains(token: "keep-alive", in: .connection)
  }
}
