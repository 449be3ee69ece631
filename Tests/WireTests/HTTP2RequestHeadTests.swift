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

  @Test(arguments: [
    ([(":method", "GET"), (":scheme", "http"), (":path", "/")], HTTPViolation.missingHost),
    ([(":method", "GET"), (":authority", "x"), (":path", "/")], .malformedTarget),
    ([(":method", "GET"), (":scheme", "http"), (":authority", "x")], .malformedTarget),
    ([(":scheme", "http"), (":authority", "x"), (":path", "/")], .malformedMethod),
    ([(":method", "CONNECT"), (":authority", "x:1")], .unsupportedMethod),
    (good + [(":protocol", "websocket")], .malformedFieldName), (good + [(":path", "/")], .malformedFieldName),
    ([("accept", "x")] + good, .malformedFieldName), (good + [("Accept", "x")], .malformedFieldName),
    (good + [("", "x")], .emptyFieldName), (good + [("a b", "x")], .malformedFieldName),
    (good + [("a", "b\r\nc: d")], .controlInField), (good + [("a", "b\0")], .nulInField),
    (good + [("host", "other")], .duplicateHost), (good + [("host", "x"), ("host", "x")], .duplicateHost),
    (good + [("connection", "close")], .connectionField), (good + [("te", "gzip")], .connectionField),
    (good + [("transfer-encoding", "chunked")], .connectionField), (good + [("upgrade", "h2c")], .connectionField),
    (good + [("expect", "tea")], .unsupportedExpectation),
    (good + [("content-length", "1"), ("content-length", "1")], .repeatedContentLength),
    (good + (0..<6).map { ("x-\($0)", "y") }, .tooManyFields(allowed: 5)),
    (good.dropLast() + [(":path", "/a/../b")], .dotSegment), (good.dropLast() + [(":path", "a")], .malformedTarget),
    (good.dropLast() + [(":path", "http://x/")], .malformedTarget),
    (good.dropLast() + [(":path", "/a b")], .controlInTarget), (good.dropLast() + [(":path", "/#a")], .fragmentInTarget),
    (good.dropLast() + [(":path", "/" + String(repeating: "a", count: 256))], .targetTooLong(allowedBytes: 256)),
    (good.dropLast() + [(":path", "*")], .asteriskWithoutOptions),
  ])
  func `what is wrong is told`(fields: [(String, String)], violation: HTTPViolation) {
    #expect(throws: violation) { try head(fields) }
  }

  @Test func `the size counts as SETTINGS_MAX_HEADER_LIST_SIZE does`() throws {
    let bytes = Self.good.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 }
    #expect(try head(Self.good, limit: bytes).host == "example.com")
    #expect(throws: HTTPViolation.headTooLarge(allowedBytes: bytes - 1)) { try head(Self.good, limit: bytes - 1) }
  }
}
