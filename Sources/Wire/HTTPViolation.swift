/// What is wrong with a message; one case a defect.
///
/// After one the connection is of no more use: where the next message would begin is not known. Answer with `status`
/// and `reason`, then close. In an upstream's response every one of them means `502`.
public enum HTTPViolation: Error, Equatable, Sendable {
  // The head as a whole.

  /// The head goes on after as many bytes as `HeadLimits.headBytes` allows.
  case headTooLarge(allowedBytes: Int)
  /// A CR without LF (RFC 9112 §2.2).
  case bareCarriageReturn
  /// An LF without CR, which RFC 9112 §2.2 lets a recipient accept.
  case bareLineFeed

  // The request line.

  /// The method is empty or holds a character that is not for tokens (RFC 9110 §9.1).
  case malformedMethod
  /// The method is longer than any that is known.
  case methodTooLong(allowedBytes: Int)
  /// The method is `CONNECT`: no tunnels here.
  case unsupportedMethod
  /// Not one method, one target and one version, separated by single spaces (RFC 9112 §3).
  case malformedRequestLine
  /// A line of method and target, as HTTP/0.9 had it.
  case missingVersion
  /// A version of HTTP other than 1.1 and 1.0 (RFC 9110 §15.6.6).
  case unsupportedVersion
  /// The target goes on after as many bytes as `HeadLimits.targetBytes` allows.
  case targetTooLong(allowedBytes: Int)
  /// The target has none of the forms of RFC 9112 §3.2.
  case malformedTarget
  /// The target holds a control character.
  case controlInTarget
  /// The target holds a byte that should have been percent-encoded.
  case nonASCIIInTarget
  /// The target holds `#`: a fragment stays with the client (RFC 9110 §7.1).
  case fragmentInTarget
  /// The path holds `\`, which some servers take for a slash.
  case backslashInPath
  /// The path holds `%` without two hexadecimal digits (RFC 3986 §2.1).
  case malformedPercentEncoding
  /// The path holds `.` or `..`, plain or encoded, that a server might resolve (RFC 3986 §5.2.4).
  case dotSegment
  /// The path holds `%2F`, which some servers decode before they split.
  case encodedSlash
  /// The path holds `%00`, where C strings end.
  case encodedNUL
  /// The target `*` with another method than `OPTIONS` (RFC 9112 §3.2.4).
  case asteriskWithoutOptions
  /// The first line of a response is not a version and a status (RFC 9112 §4).
  case malformedStatusLine

  // Host and authority.

  /// HTTP/1.1 without `Host` (RFC 9112 §3.2).
  case missingHost
  /// More than one `Host` (RFC 9112 §3.2).
  case duplicateHost
  /// Neither a name nor an address, or the port is no port.
  case malformedHost
  /// The host holds `@` (RFC 9110 §4.2.4).
  case userinfoInAuthority

  // Fields.

  /// One field more than `HeadLimits.fields`.
  case tooManyFields(allowed: Int)
  /// A line begins with white space (RFC 9112 §5.2).
  case foldedField
  /// White space in a name or before its colon (RFC 9112 §5.1).
  case spaceInFieldName
  /// A line begins with a colon.
  case emptyFieldName
  /// A name holds a character that is not for tokens (RFC 9110 §5.1).
  case malformedFieldName
  /// A line ends before any colon.
  case fieldWithoutColon
  /// A NUL in a name or value (RFC 9110 §5.5).
  case nulInField
  /// A control character other than a tab in a value (RFC 9110 §5.5).
  case controlInField
  /// A field of HTTP/1 connections in an HTTP/2 message (RFC 9113 §8.2.2).
  case connectionField
  /// `Expect` says something other than `100-continue` (RFC 9110 §10.1.1).
  case unsupportedExpectation

  // Framing.

  /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.1).
  case lengthAndTransferEncoding
  /// More than one `Content-Length`, or a list of them, also of equal ones (RFC 9112 §6.3).
  case repeatedContentLength
  /// `Content-Length` holds something other than digits (RFC 9110 §8.6).
  case malformedContentLength
  /// `Content-Length` does not fit in 63 bits.
  case contentLengthOverflow
  /// `Transfer-Encoding` with an empty element (RFC 9112 §6.1).
  case malformedTransferEncoding
  /// A transfer coding other than `chunked` (RFC 9112 §6.1).
  case unsupportedTransferCoding
  /// `chunked` twice or before another coding (RFC 9112 §6.1).
  case chunkedNotLast
  /// `Transfer-Encoding` where nobody knows it (RFC 9112 §6.1).
  case transferEncodingInHTTP10

  // The body.

  /// A chunk without a size, or with something after it that is no extension (RFC 9112 §7.1).
  case malformedChunkSize
  /// A chunk size of more than 16 digits or 63 bits.
  case chunkSizeOverflow
  /// An extension that nobody needs (RFC 9112 §7.1.1).
  case chunkExtensionTooLong(allowedBytes: Int)
  /// No CR LF after the bytes of a chunk (RFC 9112 §7.1).
  case chunkNotTerminated
  /// More trailer fields than anybody needs (RFC 9112 §7.1.2).
  case trailersTooLarge(allowedBytes: Int)

  // The query.

  /// One parameter more than the caller allows.
  case tooManyParameters(allowed: Int)
}

extension HTTPViolation {
  /// The status code of the answer to a request with this defect.
  public var status: Int {
    switch self {
    case .headTooLarge, .tooManyFields, .trailersTooLarge: 431
    case .targetTooLong: 414
    case .unsupportedExpectation: 417
    case .methodTooLong, .unsupportedMethod, .unsupportedTransferCoding: 501
    case .unsupportedVersion: 505
    default: 400
    }
  }

  /// What was wrong, as a sentence for people.
  public var reason: String {
    // A table, one defect a line; the rule on function length is about procedures.
    switch self {
    case .headTooLarge(let bytes): "the head is larger than the \(bytes) bytes allowed"
    case .bareCarriageReturn: "a carriage return is not followed by a line feed"
    case .bareLineFeed: "a line ends in a line feed without a carriage return"
    case .malformedMethod: "the method is not a token"
    case .methodTooLong(let bytes): "the method is longer than the \(bytes) bytes allowed"
    case .unsupportedMethod: "the method CONNECT is not offered"
    case .malformedRequestLine: "the request line is not a method, a target and a version"
    case .missingVersion: "the request line has no version"
    case .unsupportedVersion: "the version is neither HTTP/1.1 nor HTTP/1.0"
    case .targetTooLong(let bytes): "the target is longer than the \(bytes) bytes allowed"
    case .malformedTarget: "the target is neither a path nor an http or https address"
    case .controlInTarget: "the target holds a control character"
    case .nonASCIIInTarget: "the target holds a byte that is not ASCII"
    case .fragmentInTarget: "the target holds a fragment"
    case .backslashInPath: "the path holds a backslash"
    case .malformedPercentEncoding: "a percent sign in the path is not followed by two hexadecimal digits"
    case .dotSegment: "the path holds a dot segment"
    case .encodedSlash: "the path holds an encoded slash"
    case .encodedNUL: "the path holds an encoded NUL"
    case .asteriskWithoutOptions: "the target * goes with the method OPTIONS only"
    case .malformedStatusLine: "the status line is not a version and a status from 100 to 599"
    case .missingHost: "the host field is missing"
    case .duplicateHost: "there is more than one host field"
    case .malformedHost: "the host is neither a name nor an address with an optional port"
    case .userinfoInAuthority: "the host holds user information"
    case .tooManyFields(let allowed): "there are more than the \(allowed) fields allowed"
    case .foldedField: "a field is folded over more than one line"
    case .spaceInFieldName: "there is white space in or after a field name"
    case .emptyFieldName: "a field has no name"
    case .malformedFieldName: "a field name is not a token"
    case .fieldWithoutColon: "a field has no colon"
    case .nulInField: "a field holds a NUL"
    case .controlInField: "a field holds a control character"
    case .connectionField: "a field speaks about an HTTP/1 connection"
    case .unsupportedExpectation: "the only expectation that can be met is 100-continue"
    case .lengthAndTransferEncoding: "both content-length and transfer-encoding are given"
    case .repeatedContentLength: "content-length is given more than once"
    case .malformedContentLength: "content-length is not a decimal number"
    case .contentLengthOverflow: "content-length is larger than 9223372036854775807"
    case .malformedTransferEncoding: "transfer-encoding is not a list of codings"
    case .unsupportedTransferCoding: "the only transfer coding understood is chunked"
    case .chunkedNotLast: "the transfer coding chunked is not the last one or is given more than once"
    case .transferEncodingInHTTP10: "transfer-encoding is given in an HTTP/1.0 message"
    case .malformedChunkSize: "a chunk does not begin with a line of its size in hexadecimal digits"
    case .chunkSizeOverflow: "a chunk size has more than 16 digits or is larger than 7fffffffffffffff"
    case .chunkExtensionTooLong(let bytes): "a chunk extension is longer than the \(bytes) bytes allowed"
    case .chunkNotTerminated: "a chunk is longer than its size"
    case .trailersTooLarge(let bytes): "the trailer section is larger than the \(bytes) bytes allowed"
    case .tooManyParameters(let allowed): "the query holds more than the \(allowed) parameters allowed"
    }
  }
}
