import Testing
import Wire

/// A request that is refused, and how.
struct MalformedRequest: CustomTestStringConvertible, Sendable {
  let name: String
  let bytes: [UInt8]
  let violation: HTTPViolation
  let status: Int

  var testDescription: String { name }
}

/// What comes in from the open internet.
enum MalformedRequests {
  static let all: [MalformedRequest] = lines + targets + hosts + names + values + lengths + codings

  /// A whole request.
  private static func whole(
    _ name: String, _ text: String, _ violation: HTTPViolation, _ status: Int = 400
  ) -> MalformedRequest {
    MalformedRequest(name: name, bytes: Array(text.utf8), violation: violation, status: status)
  }

  /// A target in an otherwise sound request.
  private static func target(_ target: String, _ violation: HTTPViolation) -> MalformedRequest {
    whole("target \(target)", "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n", violation)
  }

  /// A host in an otherwise sound request.
  private static func host(_ host: String, _ violation: HTTPViolation = .malformedHost) -> MalformedRequest {
    whole("host \(host)", "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", violation)
  }

  /// More fields in an otherwise sound request.
  private static func fields(_ text: String, _ violation: HTTPViolation, _ status: Int = 400) -> MalformedRequest {
    whole("fields \(text.debugDescription)", "POST / HTTP/1.1\r\nHost: a\r\n\(text)\r\n\r\n", violation, status)
  }

  static let lines = [
    whole("empty method", " / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedMethod),
    whole("method with a control", "G\u{1}T / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedMethod),
    whole("method with a bracket", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedMethod),
    whole("method with a colon", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedMethod),
    whole("method beyond ASCII", "G\u{CB}T / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedMethod),
    whole("method and tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .malformedMethod),
    whole("NUL first", "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedMethod),
    whole("TLS client hello", "\u{16}\u{3}\u{1}\u{2}\0\u{1}", .malformedMethod),
    whole("method only", "GET\r\n\r\n", .malformedRequestLine),
    whole("method and line feed", "GET\n\n", .bareLineFeed),
    whole("line feed first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
    whole("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("carriage return first", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
    whole(
      "long method", String(repeating: "M", count: 33) + " / HTTP/1.1\r\n\r\n", .methodTooLong(allowedBytes: 32), 501),
    whole("endless method", String(repeating: "M", count: 500), .methodTooLong(allowedBytes: 32), 501),
    whole("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", .unsupportedMethod, 501),
    whole("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", .missingVersion),
    whole("HTTP/0.9", "GET /\r\n", .missingVersion),
    whole("HTTP/0.9 with a bare line feed", "GET /\n", .bareLineFeed),
    whole("space after the target", "GET / \r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("word after the version", "GET / HTTP/1.1 x\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("version of another protocol", "GET / ICY/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion, 505),
    whole("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion, 505),
    whole("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion, 505),
    whole("HTTP/0.9 spelled out", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion, 505),
    whole("HTTP/1", "GET / HTTP/1\r\nHost: a\r\n\r\n", .unsupportedVersion, 505),
    whole("HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", .unsupportedVersion, 505),
    whole("HTTP/1.1 with a tab", "GET / HTTP/1.1\t\r\nHost: a\r\n\r\n", .malformedRequestLine),
    whole("version and bare line feed", "GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
    whole("version and bare carriage return", "GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
  ]

  static let targets = [
    target("*", .asteriskWithoutOptions),
    target("**", .malformedTarget),
    target("index.html", .malformedTarget),
    target("?q", .malformedTarget),
    target("ftp://a/", .malformedTarget),
    target("http:/a", .malformedTarget),
    target("http:", .malformedTarget),
    target("http", .malformedTarget),
    target("://a/", .malformedTarget),
    target("http:///", .malformedHost),
    target("http://?q", .malformedHost),
    target("http://a b/", .malformedRequestLine),
    target("http://u@a/", .userinfoInAuthority),
    target("http://u:p@a/", .userinfoInAuthority),
    target("http://a:/", .malformedHost),
    target("http://a:0/", .malformedHost),
    target("http://a/../b", .dotSegment),
    target("a:80", .malformedTarget),
    target("/a#b", .fragmentInTarget),
    target("/?a#b", .fragmentInTarget),
    target("#", .fragmentInTarget),
    target("/\u{E9}", .nonASCIIInTarget),
    target("/?\u{20AC}", .nonASCIIInTarget),
    target("/\u{1}", .controlInTarget),
    target("/\0", .controlInTarget),
    target("/\t", .controlInTarget),
    target("/\u{7F}", .controlInTarget),
    target("/\r", .missingVersion),
    target("/\n", .bareLineFeed),
    target("/a\\b", .backslashInPath),
    target("/%", .malformedPercentEncoding),
    target("/%4", .malformedPercentEncoding),
    target("/%4g", .malformedPercentEncoding),
    target("/%g4", .malformedPercentEncoding),
    target("/%%41", .malformedPercentEncoding),
    target("/%u0041", .malformedPercentEncoding),
    target("/%4?1", .malformedPercentEncoding),
    target("/.", .dotSegment),
    target("/..", .dotSegment),
    target("/./", .dotSegment),
    target("/a/../b", .dotSegment),
    target("/a/..?q", .dotSegment),
    target("/%2e/", .dotSegment),
    target("/%2E%2e/", .dotSegment),
    target("/.%2E/", .dotSegment),
    target("/%2e.", .dotSegment),
    target("/..;x/b", .dotSegment),
    target("/a%2Fb", .encodedSlash),
    target("/a%2fb", .encodedSlash),
    target("/..%2f", .encodedSlash),
    target("/a%00", .encodedNUL),
  ]

  static let hosts = [
    whole("no host", "GET / HTTP/1.1\r\n\r\n", .missingHost),
    whole("no host with an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", .missingHost),
    whole("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .duplicateHost),
    whole("the same host twice", "GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", .duplicateHost),
    whole("two hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .duplicateHost),
    whole("bad host beside an absolute target", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", .malformedHost),
    whole("bad host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", .malformedHost),
    host(""), host(":80"), host("."), host(".a"), host("a..b"), host("a b"), host("a,b"), host("a/b"), host("a\\b"),
    host("a?b"), host("a%41"), host("a*"), host("\u{E9}.example"), host("a:"), host("a:x"), host("a:+80"),
    host("a:0"), host("a:65536"), host("a:000080"), host("a:80:80"), host("::1"), host("[::1"), host("[::1]x"),
    host("[::1]:"), host("[]"), host("[1]"), host("[:1]"), host("[1:]"), host("[:::]"), host("[1::2::3]"),
    host("[1:2:3:4:5:6:7]"), host("[1:2:3:4:5:6:7:8:9]"), host("[1:2:3:4:5:6:7::8]"), host("[12345::]"), host("[g::]"),
    host("[fe80::1%25eth0]"), host("[::1.2.3]"), host("[::1.2.3.4.5]"), host("[::256.1.1.1]"), host("[::01.1.1.1]"),
    host("[1:2:3:4:5:6:7:1.2.3.4]"), host("[v1.a]"), host(String(repeating: "a", count: 256)),
    host("user@a", .userinfoInAuthority), host("a:80@b", .userinfoInAuthority), host("@", .userinfoInAuthority),
  ]

  static let names = [
    fields(" folded: x", .foldedField),
    fields("\tfolded: x", .foldedField),
    fields("a: b\r\n c", .foldedField),
    fields("a: b\r\n\tc", .foldedField),
    fields("a: b\r\n \r\n", .foldedField),
    whole("white space first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedField),
    fields("a : b", .spaceInFieldName),
    fields("a\t: b", .spaceInFieldName),
    fields("a b: c", .spaceInFieldName),
    fields("Content-Length : 5", .spaceInFieldName),
    fields("Transfer-Encoding\t: chunked", .spaceInFieldName),
    fields(": b", .emptyFieldName),
    fields(":", .emptyFieldName),
    fields("a", .fieldWithoutColon),
    fields("GET / HTTP/1.1", .spaceInFieldName),
    fields("a(: b", .malformedFieldName),
    fields("a/b: c", .malformedFieldName),
    fields("\"a\": c", .malformedFieldName),
    fields("[a]: c", .malformedFieldName),
    fields("\u{E9}: c", .malformedFieldName),
    fields("a\u{1}: c", .malformedFieldName),
    fields("a\u{7F}: c", .malformedFieldName),
    fields("a\0: c", .nulInField),
    fields("a\n: c", .bareLineFeed),
    fields("a\r: c", .fieldWithoutColon),
  ]

  static let values = [
    fields("a: b\0c", .nulInField),
    fields("a: \0", .nulInField),
    fields("a: b\u{1}", .controlInField),
    fields("a: \u{8}b", .controlInField),
    fields("a: b\u{B}c", .controlInField),
    fields("a: b\u{C}", .controlInField),
    fields("a: b\u{1B}[2J", .controlInField),
    fields("a: b\u{1F}", .controlInField),
    fields("a: b\u{7F}", .controlInField),
    fields("a: b\nc: d", .bareLineFeed),
    fields("a:\n", .bareLineFeed),
    fields("a: b\rc: d", .bareCarriageReturn),
    fields("a: b\r\r\nc: d", .bareCarriageReturn),
    fields("a: b\r\n\rx", .bareCarriageReturn),
    fields("a: b\r\n\nx", .bareLineFeed),
    fields("Expect: 200-ok", .unsupportedExpectation, 417),
    fields("Expect: 100-continue, x", .unsupportedExpectation, 417),
    fields("Expect:", .unsupportedExpectation, 417),
    fields("Expect: 100-continue\r\nExpect: y", .unsupportedExpectation, 417),
  ]

  static let lengths = [
    fields("Content-Length: 5\r\nTransfer-Encoding: chunked", .lengthAndTransferEncoding),
    fields("Transfer-Encoding: chunked\r\nContent-Length: 5", .lengthAndTransferEncoding),
    fields("Content-Length: 0\r\nTransfer-Encoding: x", .lengthAndTransferEncoding),
    fields("Content-Length: 5\r\nContent-Length: 6", .repeatedContentLength),
    fields("Content-Length: 5\r\ncontent-length: 5", .repeatedContentLength),
    fields("Content-Length: 5, 5", .repeatedContentLength),
    fields("Content-Length: 5,6", .repeatedContentLength),
    fields("Content-Length: 5,", .repeatedContentLength),
    fields("Content-Length:", .malformedContentLength),
    fields("Content-Length: x", .malformedContentLength),
    fields("Content-Length: +5", .malformedContentLength),
    fields("Content-Length: -5", .malformedContentLength),
    fields("Content-Length: 0x5", .malformedContentLength),
    fields("Content-Length: 5 5", .malformedContentLength),
    fields("Content-Length: 5.0", .malformedContentLength),
    fields("Content-Length: 1e3", .malformedContentLength),
    fields("Content-Length: \"5\"", .malformedContentLength),
    fields("Content-Length: \u{665}", .malformedContentLength),
    fields("Content-Length: 9223372036854775808", .contentLengthOverflow),
    fields("Content-Length: 18446744073709551616", .contentLengthOverflow),
    fields("Content-Length: 18446744073709551621", .contentLengthOverflow),
    fields("Content-Length: 99999999999999999999999999", .contentLengthOverflow),
  ]

  static let codings = [
    fields("Transfer-Encoding: gzip, chunked", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: gzip", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: identity", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: xchunked", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: chunked;q=1", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: \"chunked\"", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: chunked gzip", .unsupportedTransferCoding, 501),
    fields("Transfer-Encoding: chunked, gzip", .chunkedNotLast),
    fields("Transfer-Encoding: chunked, identity", .chunkedNotLast),
    fields("Transfer-Encoding: chunked, chunked", .chunkedNotLast),
    fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .chunkedNotLast),
    fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", .chunkedNotLast),
    fields("Transfer-Encoding:", .malformedTransferEncoding),
    fields("Transfer-Encoding: chunked,", .malformedTransferEncoding),
    fields("Transfer-Encoding: ,chunked", .malformedTransferEncoding),
    fields("Transfer-Encoding: chunked\r\nTransfer-Encoding:", .malformedTransferEncoding),
    whole(
      "chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
    whole(
      "gzip in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", .transferEncodingInHTTP10),
  ]
}

@Suite struct MalformedRequestTests {
  @Test(arguments: MalformedRequests.all)
  func `a malformed request is refused with its status`(malformed: MalformedRequest) throws {
    #expect(readRequest(malformed.bytes) == .refused(malformed.violation))
    #expect(malformed.violation.status == malformed.status)
    let reason = malformed.violation.reason
    #expect(reason.first?.isLowercase == true)
    #expect(!reason.hasSuffix("."))
  }
}
