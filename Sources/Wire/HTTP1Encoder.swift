internal import Bytes

/// Writes HTTP/1.1 heads and chunk framing (RFC 9112).
///
/// The encoder alone writes the fields that frame a message: a `Content-Length`, `Transfer-Encoding`, `Connection` or
/// `Keep-Alive` among the given fields is left out, but for what is said below.
public enum HTTP1Encoder {
  /// The end of a chunked body without trailers.
  public static let lastChunk: StaticString = "0\r\n\r\n"

  /// Appends the head of a response.
  ///
  /// With `.none` a given `Content-Length` is kept, unless the status forbids it: answers to `HEAD` and `304` carry the
  /// length of a body that they do not have (RFC 9110 §8.6).
  ///
  /// - Parameters:
  ///   - head: status and fields; no `Date` is added.
  ///   - framing: how the body is going to be sent; never `.chunked` to an HTTP/1.0 client.
  ///   - keepAlive: whether the connection stays open afterwards; ignored with `.untilClose`.
  ///   - version: what the client speaks.
  ///   - output: where to.
  public static func append(
    _ head: ResponseHead, framing: BodyFraming, keepAlive: Bool, version: HTTPVersion, to output: inout [UInt8]
  ) {
    precondition(framing != .chunked || version == .http11, "an HTTP/1.0 client does not understand chunks")
    precondition((100...999).contains(head.status), "a status has three digits")
    output.append("HTTP/1.1 ")
    output.append(decimal: UInt64(head.status))
    output.append(" ")
    output.append(StatusCode.phrase(head.status))
    output.append("\r\n")
    let keepsLength = framing == .none && head.status >= 200 && head.status != 204
    append(head.fields, keepsLength: keepsLength, keepsConnection: false, to: &output)
    append(framing, to: &output)
    if !keepAlive || framing == .untilClose {
      output.append("Connection: close\r\n")
    } else if version == .http10 {
      output.append("Connection: keep-alive\r\n")
    }
    output.append("\r\n")
  }

  /// Appends the head of a request.
  ///
  /// A given `Connection` is kept: whether the upstream connection is to be used again is for the caller to say.
  ///
  /// - Parameters:
  ///   - method: what is asked for.
  ///   - target: path and query; bytes that may not stand in a request line are percent-encoded. Not empty.
  ///   - fields: the fields, `Host` among them.
  ///   - framing: how the body is going to be sent; `.untilClose` is for responses only.
  ///   - output: where to.
  public static func appendRequest(
    method: Method, target: Span<UInt8>, fields: FieldSection, framing: BodyFraming, to output: inout [UInt8]
  ) {
    precondition(framing != .untilClose, "a request body does not end with the connection")
    precondition(!target.isEmpty, "a request has a target")
    let start = output.count
    output.append(method.name)
    precondition(Token.isToken(output.span.extracting(start...)), "a method is a token")
    output.append(" ")
    append(target: target, to: &output)
    output.append(" HTTP/1.1\r\n")
    append(fields, keepsLength: false, keepsConnection: true, to: &output)
    append(framing, to: &output)
    output.append("\r\n")
  }

  /// Appends the line before the bytes of a chunk; after them comes CR LF.
  ///
  /// - Parameters:
  ///   - length: how many bytes follow, at least one: a chunk of none would end the body.
  ///   - output: where to.
  public static func appendChunkHead(_ length: Int, to output: inout [UInt8]) {
    precondition(length > 0, "an empty chunk ends the body")
    output.append(hexadecimal: UInt64(length))
    output.append("\r\n")
  }
}

extension HTTP1Encoder {
  private static func append(
    _ fields: FieldSection, keepsLength: Bool, keepsConnection: Bool, to output: inout [UInt8]
  ) {
    for index in 0..<fields.count {
      let field = fields[index]
      switch field.name {
      case .contentLength: if !keepsLength { continue }
      case .connection: if !keepsConnection { continue }
      case .transferEncoding, .keepAlive: continue
      default: break
      }
      output.append(fields.bytes.span.extracting(field.nameRange))
      output.append(": ")
      output.append(fields.bytes.span.extracting(field.valueRange))
      output.append("\r\n")
    }
  }

  private static func append(_ framing: BodyFraming, to output: inout [UInt8]) {
    switch framing {
    case .length(let length):
      output.append("Content-Length: ")
      output.append(decimal: length)
      output.append("\r\n")
    case .chunked: output.append("Transfer-Encoding: chunked\r\n")
    case .none, .untilClose: break
    }
  }

  private static func append(target: Span<UInt8>, to output: inout [UInt8]) {
    for index in target.indices {
      let byte = target[index]
      if byte > 0x20, byte < 0x7F {
        output.append(byte)
      } else {
        Percent.append(encoded: byte, to: &output)
      }
    }
  }
}
