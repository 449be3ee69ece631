import Bytes
import Testing
import Wire

@Suite struct ResponseHeadTests {
  private func read(
    _ text: String, endingAt ends: [Int] = [], limits: HeadLimits = roomy
  ) -> Result<(ResponseHead, Int), HTTPViolation>? {
    let bytes = Array(text.utf8)
    var parser = ResponseHeadParser(limits: limits)
    for end in ends + [bytes.count] {
      do throws(HTTPViolation) {
        guard let (head, consumed) = try parser.parse(bytes.span.extracting(..<end)) else { continue }
        return .success((head, consumed))
      } catch {
        return .failure(error)
      }
    }
    return nil
  }

  private func describe(_ result: Result<(ResponseHead, Int), HTTPViolation>?) -> String {
    switch result {
    case nil: "incomplete"
    case .failure(let violation): "\(violation)"
    case .success((let head, let consumed)):
      "\(head.status) \(head.version) \(head.fields.lines) \(consumed)"
    }
  }

  @Test func `an event stream of an orchestrator is announced`() throws {
    let text =
      "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    let (head, consumed) = try #require(try read(text + "1\r\n")?.get())
    #expect(head.status == 200)
    #expect(consumed == text.utf8.count)
    #expect(head.fields.string(.contentType) == "text/event-stream")
    #expect(try head.bodyFraming(for: .post) == .chunked)
    #expect(head.persistsConnection)
    #expect(!head.isInterim)
  }

  static let samples = [
    "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.0 404 Not Found \t \u{E9}\r\n\r\n", "HTTP/1.1 500 \r\n\r\n",
    "HTTP/1.1 204\r\nx: y \r\n\r\nHTTP/1.1 200", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
  ]
  static let malformed: [(String, HTTPViolation)] = [
    ("HTTP/1.1200 OK\r\n\r\n", .malformedStatusLine), ("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
    ("http/1.1 200 OK\r\n\r\n", .malformedStatusLine), ("ICY 200 OK\r\n\r\n", .malformedStatusLine),
    ("HTTP/1.1 20 OK\r\n\r\n", .malformedStatusLine), ("HTTP/1.1 2000\r\n\r\n", .malformedStatusLine),
    ("HTTP/1.1 099 x\r\n\r\n", .malformedStatusLine), ("HTTP/1.1 600 x\r\n\r\n", .malformedStatusLine),
    ("HTTP/1.1 -20 x\r\n\r\n", .malformedStatusLine), ("HTTP/1.1  200 x\r\n\r\n", .malformedStatusLine),
    ("HTTP/1.1 200 a\u{1}\r\n\r\n", .malformedStatusLine), ("HTTP/1.1 200 a\0\r\n\r\n", .malformedStatusLine),
    ("HTTP/1.1 200 a\n\r\n", .bareLineFeed), ("HTTP/1.1 200 a\rb\r\n", .bareCarriageReturn),
    ("HTTP/1.1 200 OK\r\n a: b\r\n\r\n", .foldedField), ("HTTP/1.1 200 OK\r\na : b\r\n\r\n", .spaceInFieldName),
    ("{\"error\": \"upstream\"}\r\n\r\n", .malformedStatusLine),
  ]

  @Test(arguments: samples + malformed.map(\.0))
  func `a response head is the same however it is cut`(text: String) {
    let whole = describe(read(text))
    #expect(whole != "incomplete")
    for cut in 0...text.utf8.count { #expect(describe(read(text, endingAt: [cut])) == whole) }
    #expect(describe(read(text, endingAt: Array(0..<text.utf8.count))) == whole)
  }

  @Test func `a response head with any byte replaced is read the same however it is cut`() {
    let bytes = Array("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n".utf8)
    for place in bytes.indices {
      for replacement in Array("\0\t\n\r :/19a\u{7F}".utf8) {
        var changed = bytes
        changed[place] = replacement
        let whole = describe(read(changed.text))
        for cut in bytes.indices { #expect(describe(read(changed.text, endingAt: [cut])) == whole) }
        #expect(describe(read(changed.text, endingAt: Array(bytes.indices))) == whole)
      }
    }
  }

  @Test(arguments: malformed)
  func `a malformed response head is refused`(text: String, violation: HTTPViolation) {
    #expect(describe(read(text)) == "\(violation)")
  }

  @Test func `a response head of exactly the allowed bytes passes and one more is refused`() {
    let text = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    let count = text.utf8.count
    for cut in 0...count {
      let fitting = HeadLimits(headBytes: count, targetBytes: 0)
      let tight = HeadLimits(headBytes: count - 1, targetBytes: 0)
      #expect(describe(read(text, endingAt: [cut], limits: fitting)).hasPrefix("200"))
      let refusal = describe(read(text, endingAt: [cut], limits: tight))
      #expect(refusal == "\(HTTPViolation.headTooLarge(allowedBytes: count - 1))")
    }
  }

  @Test(arguments: [100, 103, 199, 204, 304])
  func `some statuses never have a body`(status: Int) throws {
    var head = ResponseHead(status: status)
    head.fields.append("Content-Length", "5" as StaticString)
    #expect(try head.bodyFraming(for: .get) == .none)
  }

  @Test func `the body of a response is framed as its fields say`() throws {
    var head = ResponseHead(status: 200)
    #expect(try head.bodyFraming(for: .get) == .untilClose)
    #expect(try head.bodyFraming(for: .head) == .none)
    head.fields.append("Content-Length", "9223372036854775807" as StaticString)
    #expect(try head.bodyFraming(for: .get) == .length(9_223_372_036_854_775_807))
    head.fields.append("Transfer-Encoding", "chunked" as StaticString)
    #expect(throws: HTTPViolation.lengthAndTransferEncoding) { try head.bodyFraming(for: .get) }
    head.fields.removeAll()
    head.fields.append("Transfer-Encoding", "CHUNKED" as StaticString)
    #expect(try head.bodyFraming(for: .post) == .chunked)
    head.fields.append("Transfer-Encoding", "gzip" as StaticString)
    #expect(throws: HTTPViolation.chunkedNotLast) { try head.bodyFraming(for: .get) }
  }

  @Test func `an old server closes unless it says otherwise`() throws {
    let closing = try #require(try read("HTTP/1.0 200 OK\r\n\r\n")?.get())
    #expect(!closing.0.persistsConnection)
    let keeping = try #require(try read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n")?.get())
    #expect(keeping.0.persistsConnection)
  }
}
