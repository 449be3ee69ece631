import Bytes
import Support
import Testing
import Wire

@Suite struct HTTP1EncoderTests {
  private func response(
    _ head: ResponseHead, framing: BodyFraming, keepAlive: Bool = true, version: HTTPVersion = .http11
  ) -> String {
    var output: [UInt8] = []
    HTTP1Encoder.append(head, framing: framing, keepAlive: keepAlive, version: version, to: &output)
    return output.text
  }

  @Test func `a response states how its body is framed and whether the connection stays`() {
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", "text/plain" as StaticString)
    let start = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    #expect(response(head, framing: .length(12)) == start + "Content-Length: 12\r\n\r\n")
    #expect(response(head, framing: .chunked) == start + "Transfer-Encoding: chunked\r\n\r\n")
    #expect(
      response(head, framing: .chunked, keepAlive: false)
        == start + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    #expect(response(head, framing: .untilClose) == start + "Connection: close\r\n\r\n")
    #expect(
      response(head, framing: .length(0), version: .http10)
        == start + "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n")
    #expect(
      response(head, framing: .untilClose, keepAlive: true, version: .http10) == start + "Connection: close\r\n\r\n")
  }

  @Test func `framing that came with the fields is replaced`() {
    var head = ResponseHead(status: 502)
    head.fields.append("content-length", "7" as StaticString)
    head.fields.append("transfer-encoding", "chunked" as StaticString)
    head.fields.append("connection", "close" as StaticString)
    head.fields.append("keep-alive", "timeout=5" as StaticString)
    head.fields.append("via", "x" as StaticString)
    #expect(response(head, framing: .length(3)) == "HTTP/1.1 502 Bad Gateway\r\nvia: x\r\nContent-Length: 3\r\n\r\n")
    #expect(response(head, framing: .none) == "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 7\r\nvia: x\r\n\r\n")
    head.status = 204
    #expect(response(head, framing: .none) == "HTTP/1.1 204 No Content\r\nvia: x\r\n\r\n")
    head.status = 100
    #expect(response(head, framing: .none) == "HTTP/1.1 100 Continue\r\nvia: x\r\n\r\n")
  }

  @Test func `a request keeps its connection field and loses its framing fields`() {
    var fields = FieldSection()
    fields.append("Host", "a.example" as StaticString)
    fields.append("Connection", "close" as StaticString)
    fields.append("Content-Length", "99" as StaticString)
    var output: [UInt8] = []
    HTTP1Encoder.appendRequest(
      method: .post, target: Array("/p?q".utf8).span, fields: fields, framing: .length(2), to: &output)
    #expect(output.text == "POST /p?q HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
    output.removeAll()
    HTTP1Encoder.appendRequest(
      method: .other("M-SEARCH"), target: Array("*".utf8).span, fields: FieldSection(), framing: .none, to: &output)
    #expect(output.text == "M-SEARCH * HTTP/1.1\r\n\r\n")
  }

  @Test func `no byte of a target can end the request line`() {
    var output: [UInt8] = []
    HTTP1Encoder.appendRequest(
      method: .get, target: Array("/a b\r\n\0\u{7F}\u{E9}~".utf8).span, fields: FieldSection(), framing: .chunked,
      to: &output)
    #expect(output.text == "GET /a%20b%0D%0A%00%7F%C3%A9~ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
  }

  @Test func `what is written is read again`() throws {
    let source = try #require(try requestHead(Requests.eventSource))
    var output: [UInt8] = []
    HTTP1Encoder.appendRequest(
      method: source.method, target: (source.path + [0x3F] + source.query).span, fields: source.fields,
      framing: .chunked, to: &output)
    let again = try #require(try requestHead(output.text))
    #expect(again.fields.lines == source.fields.lines + ["Transfer-Encoding: chunked"])
    #expect(again.path == source.path)
    #expect(again.query == source.query)
  }

  @Test func `chunks that are written are decoded again`() throws {
    var random = SplitMix(7)
    var body: [UInt8] = []
    var output: [UInt8] = []
    for _ in 0..<50 {
      let length = Int.random(in: 1...5000, using: &random)
      let piece = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      HTTP1Encoder.appendChunkHead(length, to: &output)
      output += piece
      output.append("\r\n")
      body += piece
    }
    output.append(HTTP1Encoder.lastChunk)
    var decoder = BodyDecoder(framing: .chunked)
    var offset = 0
    var decoded: [UInt8] = []
    while case .payload(let range) = try decoder.next(in: output.span, at: &offset) { decoded += output[range] }
    #expect(decoded == body)
    #expect(decoder.isComplete)
    #expect(offset == output.count)
  }

  @Test func `every status has a phrase`() {
    #expect(StatusCode.phrase(429).description == "Too Many Requests")
    #expect(StatusCode.phrase(413).description == "Content Too Large")
    for status in 100...599 {
      let phrase = StatusCode.phrase(status).description
      #expect(!phrase.isEmpty && phrase.allSatisfy { $0.isLetter || $0 == " " || $0 == "-" })
    }
  }
}
