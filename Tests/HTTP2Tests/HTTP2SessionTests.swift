import HTTP2
import Support
import Testing

@Suite struct HTTP2SessionTests {
  let client = HTTP2Client()
  let server: TestServer

  init() throws { server = try TestServer() }

  @Test func `a request is told field by field, and answered`() throws {
    let id = client.get("/a?b=c", fields: [("x-one", "1")])
    try server.talk(to: client)
    #expect(
      server.log == [
        "1 field :method=GET", "1 field :scheme=http", "1 field :authority=localhost", "1 field :path=/a?b=c",
        "1 field x-one=1", "1 request whole",
      ])
    server.answer(id, "hello")
    try server.talk(to: client)
    let answer = try #require(client.answers[id])
    #expect(answer.statuses == [200] && answer.body == "hello" && answer.isWhole && answer.reset == nil)
    #expect(answer.fields == ["x-kind": "test"], "names are in lower case")
    #expect(server.log.suffix(2) == ["1 answered", "1 closed 0"])
  }

  @Test func `the bytes may be cut anywhere`() throws {
    client.request(HTTP2Client.head("POST", "/p"), body: "a body")
    for byte in client.takeOutput() { try server.receive([byte]) }
    #expect(server.log.suffix(2) == ["1 request", "1 body"])
    #expect(server.bodies[1] == Array("a body".utf8))
  }

  @Test func `clients are told the bounds`() throws {
    let server = try TestServer(streams: 7, windowBytes: 70_000, headBytes: 9000)
    try server.talk(to: client)
    #expect(client.settings == [3: 7, 4: 70_000, 6: 9000, 9: 1])
  }

  @Test func `a stream that the owner refuses is reset with its code, and its neighbours go on`() throws {
    try server.talk(to: client)
    server.refusal = .refusedStream
    let refused = client.get("/")
    try server.talk(to: client)
    #expect(client.answers[refused]?.reset == HTTP2ErrorCode.refusedStream.rawValue)
    server.refusal = nil
    let id = client.get("/")
    try server.talk(to: client)
    server.answer(id, "x")
    try server.talk(to: client)
    #expect(client.answers[id]?.body == "x" && client.goAway == nil)
    #expect(!server.log.contains { $0.hasPrefix("1 field") })
  }

  @Test func `a stream that has nothing is asked again after resume`() throws {
    let id = client.get("/")
    try server.talk(to: client)
    server.answer(id, "one", isEndless: true)
    try server.talk(to: client)
    server.payloads[id] = Array("two".utf8)
    try server.talk(to: client)
    #expect(client.answers[id]?.body == "one")
    server.session.resume(id)
    try server.talk(to: client)
    #expect(client.answers[id]?.body == "onetwo" && client.answers[id]?.isWhole == false)
  }

  @Test func `a stream whose window is closed waits, and its neighbours go on`() throws {
    let client = HTTP2Client(window: 10, opensWindows: false)
    let (first, second) = (client.get("/1"), client.get("/2"))
    try server.talk(to: client)
    server.answer(first, String(repeating: "a", count: 25))
    server.answer(second, "bbb")
    try server.talk(to: client)
    #expect(client.answers[first]?.frames == [10] && client.answers[second]?.isWhole == true)
    client.open(first, by: 12)
    try server.talk(to: client)
    #expect(client.answers[first]?.frames == [10, 12])
    client.open(first, by: 100)
    try server.talk(to: client)
    #expect(client.answers[first]?.frames == [10, 12, 3] && client.answers[first]?.isWhole == true)
  }

  @Test func `windows open as bodies are taken, and not before`() throws {
    let server = try TestServer(windowBytes: 70_000)
    try server.talk(to: client)
    server.consumes = false
    let id = client.request(HTTP2Client.head("POST", "/p"), body: String(repeating: "x", count: 100_000))
    try server.talk(to: client)
    #expect(server.bodies[id]?.count == 70_000)
    server.session.consume(70_000, of: id)
    try server.talk(to: client)
    #expect(server.bodies[id]?.count == 100_000)
  }

  @Test(arguments: [
    [("connection", "close")], [("transfer-encoding", "chunked")], [("te", "gzip")], [("x-bad", "a\u{1}b")],
    [("X-Upper", "a")], [("x bad", "a")], [(":path", "/again")], [(":unknown", "a")], [("content-length", "x")],
  ])
  func `an invalid field resets its stream`(fields: [(String, String)]) throws {
    try server.receive(HTTP2Frames.opening)
    try server.receive(HTTP2Frames.request(1, "/", fields))
    try server.receive(HTTP2Frames.request(3, "/"))
    try client.receive(try server.takeOutput())
    #expect(server.log.contains("1 closed 1") && !server.log.contains("1 request whole"))
    #expect(server.log.contains("3 request whole"))
  }

  @Test func `a body that is not as long as it says resets its stream`() throws {
    let id = client.request(HTTP2Client.head("POST", "/p") + [("content-length", "5")], body: "four")
    try server.talk(to: client)
    #expect(client.answers[id]?.reset == HTTP2ErrorCode.protocolError.rawValue)
    #expect(!server.log.contains("1 body"))
  }

  @Test func `trailers are told as such`() throws {
    try server.receive(HTTP2Frames.opening)
    try server.receive(
      HTTP2Frames.frame(1, flags: 4, stream: 1, HTTP2Frames.block(HTTP2Client.head("POST", "/")))
        + HTTP2Frames.frame(0, stream: 1, [1, 2, 3])
        + HTTP2Frames.frame(1, flags: 5, stream: 1, HTTP2Frames.block([("x-sum", "6")])))
    #expect(server.log.suffix(3) == ["1 request", "1 trailer x-sum=6", "1 body"])
  }

  @Test func `more CONTINUATION frames than allowed are an error`() throws {
    let server = try TestServer(continuations: 2)
    let block = HTTP2Frames.block([(":method", "GET")])
    try server.receive(HTTP2Frames.opening + HTTP2Frames.frame(1, stream: 1, block))
    // However small the pieces in which they come.
    for _ in 0..<2 {
      for byte in HTTP2Frames.frame(9, stream: 1, HTTP2Frames.block([("x", "y")])) { try server.receive([byte]) }
    }
    #expect(throws: HTTP2SessionError.tooManyContinuations) {
      try server.receive(HTTP2Frames.frame(9, stream: 1, HTTP2Frames.block([("x", "y")])))
    }
  }

  @Test func `what is not HTTP2 is an error`() throws {
    let bytes = Array("GET / HTTP/1.1\r\n\r\n\r\n\r\n\r\n".utf8)
    #expect(throws: HTTP2SessionError.badPreface) { try server.receive(bytes) }
  }

  @Test func `an owner that has enough stops it, and can still say why`() throws {
    try server.talk(to: client)
    server.stops = true
    client.ping()
    #expect(throws: HTTP2SessionError.stopped) { try server.receive(client.takeOutput()) }
    server.session.terminate(.enhanceYourCalm)
    try client.receive(try server.takeOutput())
    #expect(client.goAway?.code == HTTP2ErrorCode.enhanceYourCalm.rawValue)
    #expect(server.session.isOver)
  }

  @Test func `a connection that breaks the protocol is told so, and is over`() throws {
    try server.receive(HTTP2Frames.opening + HTTP2Frames.frame(0, stream: 0, [1]))
    try client.receive(try server.takeOutput())
    #expect(client.goAway?.code == HTTP2ErrorCode.protocolError.rawValue)
    #expect(server.session.isOver)
  }

  @Test func `after the end was announced streams on their way are served, and none after the last`() throws {
    try server.talk(to: client)
    server.session.announceEnd()
    client.get("/")
    let onItsWay = client.takeOutput()
    try client.receive(try server.takeOutput())
    #expect(client.goAway?.code == 0 && client.goAway?.last == Int32.max)
    try server.receive(onItsWay)
    #expect(server.log.contains("1 request whole"))
    server.session.goAway(.noError)
    try client.receive(try server.takeOutput())
    #expect(client.goAway?.last == 1)
    try server.receive(HTTP2Frames.request(3, "/"))
    #expect(!server.log.contains("3 request whole"))
  }
}
