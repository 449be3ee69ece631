internal import Bytes

/// What a client that speaks HTTP/2 begins with (RFC 9113 §3.4), also after TLS has agreed on it.
enum HTTP2Preface {
  static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

  /// Whether bytes are its beginning; `nil` where more are needed to tell.
  static func isBegun(by bytes: Span<UInt8>) -> Bool? {
    let preface = unsafe Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount)
    let count = min(bytes.count, preface.count)
    guard bytes.extracting(first: count).equals(preface.extracting(first: count)) else { return false }
    return count == preface.count ? true : nil
  }
}
