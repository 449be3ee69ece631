import Testing

@testable import Load

@Suite struct TemplateTests {
  private func text(_ template: String, client: Int = 3, request: Int = 17, seed: UInt64 = 1) -> String {
    var output: [UInt8] = []
    let values = TemplateValues(client: client, request: request, domain: Array("d2.example.test".utf8), seed: seed)
    Template(template).append(values, to: &output)
    return String(decoding: output, as: UTF8.self)
  }

  @Test func `every variable is filled in and every other brace stands for itself`() {
    #expect(
      text(#"{"message":"hello {n} of {i}","to":"{domain}","x":{}}"#)
        == #"{"message":"hello 3 of 17","to":"d2.example.test","x":{}}"#)
    #expect(text("{nn}{N}{n") == "{nn}{N}{n")
    #expect(text("") == "")
  }

  @Test func `random values have their form`() {
    #expect(text("{random}").wholeMatch(of: /[0-9a-f]{16}/) != nil)
    let form = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
    for request in 1...200 { #expect(text("{uuid}", request: request).wholeMatch(of: form) != nil) }
  }

  @Test func `random values belong to the request: the same when it is repeated, others for every other`() {
    #expect(text("{uuid} {uuid}").split(separator: " ").count == 2)
    #expect(Set(text("{uuid} {uuid}").split(separator: " ")).count == 1)
    #expect(text("{uuid}") == text("{uuid}"))
    var seen: Set<String> = []
    for client in 1...30 {
      for request in 1...30 { seen.insert(text("{random}", client: client, request: request)) }
    }
    #expect(seen.count == 900)
    #expect(text("{random}", seed: 2) != text("{random}"))
  }

  @Test func `a request has its fields, its length and where to resume`() throws {
    var request = Request(method: .post, bodies: [Template("a{i}"), Template("bb")])
    request.fields = [try Request.field("X-Client: c{n}")]
    request.addDefaults()
    func written(_ number: Int, lastID: String = "") -> String {
      var output: [UInt8] = []
      var scratch: [UInt8] = []
      let values = TemplateValues(client: 1, request: number, domain: [], seed: 0)
      request.append(
        path: Template("/s?c={n}"), host: Array("h:8004".utf8), lastID: Array(lastID.utf8), values, scratch: &scratch,
        to: &output)
      return String(decoding: output, as: UTF8.self)
    }
    #expect(
      written(1) == "POST /s?c=1 HTTP/1.1\r\nHost: h:8004\r\nX-Client: c1\r\nAccept: text/event-stream\r\n"
        + "User-Agent: sluice-load\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\na1")
    #expect(written(2).hasSuffix("Content-Length: 2\r\n\r\nbb"))
    #expect(written(3).hasSuffix("\r\n\r\na3"))
    #expect(written(1, lastID: "run.7").contains("\r\nLast-Event-ID: run.7\r\n"))
    #expect(!written(1, lastID: "a\u{1}b").contains("Last-Event-ID"))
  }
}
