import Bytes
import Testing
import Wire

@Suite struct HTTP2RequestHeadTests {
  static let good = [(":method", "GET"), (":scheme", "https"), (":authority", "Example.com:8443"), (":path", "/a?b=c")]

  private func head(_ fields: [(String, String)], limit: Int = 16_384) throws(HTTPViolation) -> RequestHead {
    var head = HTTP2RequestHead(limits: HeadLimits(headBytes: limit, targetBytes: 256, fields: 5))
    for (name, value) in fields { head.append(Array(name.utf8).span, Array(value.utf8).span) }
    return try head.finish()
  }

  @Test func `a head is what HTTP1 would have said`() throws {
    let head = try head(Self.good + [("cookie", "a=1"), ("accept", "x"), ("cookie", "b=2"), ("te", "trailers")])
    #expect(head.method == .get && head.path == Array("/a".utf8) && head.query == Array("b=c".utf8))
    #expect(head.authority == "example.com:8443" && head.host == "example.com" && head.version == .http11)
    #expect(head.fields.string(.cookie) == "a=1; b=2" && head.fields.count(of: .cookie) == 1)
    #expect(try head.bodyFraming() == .none)
    #expect(try self.head([(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "x")]).host == "x")
  }

  typealias Fields = [(String, String)]

  /// Heads without one pseudo-field or with another.
  static let pseudo: [(Fields, HTTPViolation)] = [
    ([(":method", "GET"), (":scheme", "http"), (":path", "/")], .missingHost),
    ([(":method", "GET"), (":authority", "x"), (":path", "/")], .malformedTarget),
    ([(":method", "GET"), (":scheme", "http"), (":authority", "x")], .malformedTarget),
    ([(":scheme", "http"), (":authority", "x"), (":path", "/")], .malformedMethod),
    ([(":method", "CONNECT"), (":authority", "x:1")], .unsupportedMethod),
    ([("accept", "x"), (":method", "GET")], .malformedFieldName),
  ]

  /// What is wrong behind good pseudo-fields.
  static let more: [(Fields, HTTPViolation)] = [
    ([(":protocol", "websocket")], .malformedFieldName), ([(":path", "/")], .malformedFieldName),
    ([("Accept", "x")], .malformedFieldName), ([("", "x")], .emptyFieldName), ([("a b", "x")], .malformedFieldName),
    ([("a", "b\r\nc: d")], .controlInField), ([("a", "b\0")], .nulInField), ([("host", "other")], .duplicateHost),
    ([("host", "x"), ("host", "x")], .duplicateHost), ([("connection", "close")], .connectionField),
    ([("te", "gzip")], .connectionField), ([("transfer-encoding", "chunked")], .connectionField),
    ([("upgrade", "h2c")], .connectionField), ([("expect", "tea")], .unsupportedExpectation),
    ([("content-length", "1"), ("content-length", "1")], .repeatedContentLength),
    ([("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", ""), ("f", "")], .tooManyFields(allowed: 5)),
  ]

  static let paths: [(String, HTTPViolation)] = [
    ("/a/../b", .dotSegment), ("a", .malformedTarget), ("http://x/", .malformedTarget), ("/a b", .controlInTarget),
    ("/#a", .fragmentInTarget), ("/" + String(repeating: "a", count: 256), .targetTooLong(allowedBytes: 256)),
    ("*", .asteriskWithoutOptions), ("", .malformedTarget),
  ]

  @Test func `what is wrong is told`() {
    for (fields, violation) in Self.pseudo { #expect(throws: violation) { try head(fields) } }
    for (fields, violation) in Self.more { #expect(throws: violation) { try head(Self.good + fields) } }
    for (path, violation) in Self.paths {
      #expect(throws: violation) { try head(Array(Self.good.dropLast()) + [(":path", path)]) }
    }
  }

  @Test func `the size counts as SETTINGS_MAX_HEADER_LIST_SIZE does`() throws {
    let bytes = Self.good.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 }
    #expect(try head(Self.good, limit: bytes).host == "example.com")
    #expect(throws: HTTPViolation.headTooLarge(allowedBytes: bytes - 1)) { try head(Self.good, limit: bytes - 1) }
  }
}
