import Bytes
import Testing
import Wire

@testable import Load

@Suite struct AnswerTests {
  private static let form = AnswerForm(method: .get, acceptsAnyType: false)

  /// The answer after these pieces, and the body of its stream.
  private func read(_ pieces: [String], form: AnswerForm = form) throws -> (answer: Answer, body: String) {
    var answer = Answer()
    var body: [UInt8] = []
    for piece in pieces { try answer.read(Array(piece.utf8).span, form) { body.append($0) } }
    return (answer, String(decoding: body, as: UTF8.self))
  }

  private static let chunked =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    + "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n4;x=1\r\n: hb\r\n0\r\n\r\n"

  @Test func `a chunked stream is read to its end, wherever reads part it`() throws {
    let bytes = Array(Self.chunked)
    for cut in bytes.indices {
      let (answer, body) = try read([String(bytes[..<cut]), String(bytes[cut...])].filter { !$0.isEmpty })
      #expect(answer.phase == .complete && answer.verdict == .stream && answer.persists && body == "data: a\n\n: hb")
    }
    let (answer, body) = try read(bytes.map(String.init))
    #expect(answer.phase == .complete && body == "data: a\n\n: hb")
  }

  @Test func `a stream that ends with the connection is whole, a chunked one that does is not`() throws {
    var (open, _) = try read(["HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n"])
    #expect(open.phase == .stream)
    var wholes = [open.finish()]
    #expect(!open.persists)
    var (chunked, _) = try read([String(Self.chunked.dropLast(5))])
    wholes.append(chunked.finish())
    var nothing = Answer()
    wholes.append(nothing.finish())
    #expect(wholes == [true, false, false])
  }

  @Test func `a refusal names the limit of its problem body`() throws {
    let problem = #"{"type":"about:blank","title":"x","limit":"six \"tabs\""}"#
    let head = "HTTP/1.1 429 X\r\nContent-Type: application/problem+json\r\nRetry-After: 7\r\n"
    let (answer, body) = try read([head + "Content-Length: \(problem.utf8.count)\r\n\r\n", problem])
    #expect(answer.phase == .complete && answer.verdict == .refused(status: 429) && answer.persists)
    #expect(answer.limit == #"six "tabs""# && answer.retryAfterSeconds == 7 && body.isEmpty)
    let (plain, _) = try read([
      "HTTP/1.1 503 X\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"limit\":\"a\"}"
    ])
    #expect(plain.verdict == .refused(status: 503) && plain.limit == nil)
  }

  @Test func `what is no event stream is not taken for one`() throws {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\ndata: a\n\n"
    #expect(try read([page]).answer.verdict == .notAStream)
    let any = try read([page], form: AnswerForm(method: .post, acceptsAnyType: true))
    #expect(any.answer.verdict == .stream && any.body == "data: a\n\n")
    let packed =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"
    #expect(try read([packed]).answer.verdict == .notAStream)
    #expect(try read(["HTTP/1.1 204 No Content\r\n\r\n"]).answer.verdict == .noContent)
    #expect(throws: HTTPViolation.self) { try read(["SSH-2.0-x\r\n\r\n"]) }
  }
}
