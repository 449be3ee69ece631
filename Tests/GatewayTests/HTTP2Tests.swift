import Admission
import Gateway
import Reactor
import Settings
import Support
import Testing

@Suite(.timeLimit(.minutes(2))) struct HTTP2Tests {
  private func gateway(
    _ orchestrator: TestOrchestrator? = nil, streams: StreamSettings = .default, clients: ClientSettings = .default,
    stateDirectory: StateDirectory = .none, onAbandoned: OnAbandoned = .cancel, feed: FeedSettings? = nil,
    changing change: (inout Settings) -> Void = { _ in }
  ) throws -> TestGateway {
    try TestGateway(
      upstream: [orchestrator?.port ?? 1], streams: streams, clients: clients, onAbandoned: onAbandoned, feed: feed,
      stateDirectory: stateDirectory,
      changing: { settings in
        settings.listen[0].http2 = true
        change(&settings)
      })
  }

  private func streams(buffer: Int = 256 * 1024, heartbeat: Duration = .seconds(15)) -> StreamSettings {
    var streams = StreamSettings.default
    streams.clientBufferBytes = buffer
    streams.log.bytes = max(buffer, streams.log.bytes)
    streams.heartbeat = heartbeat
    return streams
  }

  @Test func `a run is streamed, and resumed over the same connection`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let client = try gateway.http2()
    let id = try client.get("message=hi&n=1", fields: [("cookie", "a=1"), ("cookie", "b=2")])
    let upstream = try orchestrator.accept()
    #expect(try upstream.readRequest().body == #"{"message":"hi","n":"1"}"#)
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: one\n\n")
    try client.wait(for: "data: one\n", in: id)
    try upstream.sendChunk("event: completed\ndata: two\n\n")
    let answer = try client.answer(of: id)
    let run = try #require(answer.fields["sluice-run"])
    #expect(answer.status == 200 && answer.fields["content-type"] == "text/event-stream; charset=utf-8")
    #expect(answer.fields["connection"] == nil && answer.fields["transfer-encoding"] == nil && answer.reset == nil)
    #expect(answer.body.hasSuffix("data: one\nid: \(run).1\n\nevent: completed\ndata: two\nid: \(run).2\n\n"))
    let again = try client.answer(of: try client.get(fields: [("last-event-id", "\(run).1")]))
    #expect(again.body.hasSuffix("\nevent: completed\ndata: two\nid: \(run).2\n\n") && !again.body.contains("one"))
    #expect(try client.answer(of: try client.get(fields: [("last-event-id", "\(run).2")])).status == 204)
    #expect((1...3).map { gateway.reason(of: $0) } == ["completed", "completed", "completed"])
    gateway.stop()
  }

  @Test func `where the listener does not say so, HTTP2 is not spoken`() throws {
    let gateway = try TestGateway(upstream: [1])
    let client = try gateway.connect()
    try client.send(HTTP2Frames.opening)
    #expect(try client.readToEnd().hasPrefix("HTTP/1.1 505 "))
    gateway.stop()
  }

  @Test func `where it does, HTTP1 is spoken as well, whatever its first bytes`() throws {
    let gateway = try gateway()
    let client = try gateway.connect()
    for byte in Array("PROPFIND /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8) { try client.send([byte]) }
    #expect(try client.readToEnd().hasPrefix("HTTP/1.1 404 "))
    let slow = try gateway.http2()
    let id = slow.client.get("/nowhere")
    for byte in slow.client.takeOutput() { try slow.send([byte]) }
    #expect(try slow.answer(of: id).status == 404)
    gateway.stop()
  }

  @Test func `a body is taken within its windows and passed on`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let client = try gateway.http2()
    let body = "{\"text\":\"\(String(repeating: "x", count: 2_000_000))\"}"
    let id = client.client.request(HTTP2Client.head("POST", TestGateway.path), body: body)
    try client.flush()
    // Windows are opened as the body is taken, which the client has to read.
    try client.wait { $0.answers[id]?.status == 200 }
    let upstream = try orchestrator.accept()
    #expect(try upstream.readRequest().body.utf8.count == body.utf8.count)
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: [DONE]\n\n")
    #expect(try client.answer(of: id).isWhole)
    gateway.stop()
  }

  @Test func `bodies keep clients body_size and bodies`() throws {
    var clients = ClientSettings.default
    clients.bodySizeBytes = 40_000
    clients.http2.bodiesBytes = 64 * 1024
    let gateway = try gateway(clients: clients)
    let client = try gateway.http2()
    func post(_ count: Int, _ fields: [(String, String)] = [], isOpen: Bool = false) throws -> Int32 {
      defer { try? client.flush() }
      return client.client.request(
        HTTP2Client.head("POST", TestGateway.path) + fields, body: String(repeating: "x", count: count), isOpen: isOpen)
    }
    let told = try client.answer(of: try post(10, [("content-length", "40001")], isOpen: true))
    #expect(told.status == 413 && told.body.contains("clients.body_size"))
    // The rest of its request is of no use to anybody.
    try client.wait { $0.answers[1]?.reset == 0 }
    #expect(try client.answer(of: try post(40_001)).status == 413)
    // Each within its own bound, together beyond theirs.
    _ = try post(39_000, isOpen: true)
    #expect(try client.answer(of: try post(39_000, isOpen: true)).reset == 7)
    let line = gateway.log.wait(for: "request", number: 4).values
    #expect(line["reason"] == "http2_flood" && line["limit"] == "bodies")
    #expect(client.client.goAway == nil)
    gateway.stop()
  }

  @Test func `a body that does not come in time is answered with 408`() throws {
    var clients = ClientSettings.default
    clients.bodyTimeout = .milliseconds(100)
    let gateway = try gateway(clients: clients)
    let client = try gateway.http2()
    let id = client.client.request(
      HTTP2Client.head("POST", TestGateway.path) + [("expect", "100-continue")], isOpen: true)
    try client.flush()
    let answer = try client.answer(of: id)
    #expect(answer.statuses == [100, 408])
    try client.wait { $0.answers[id]?.reset == 0 }
    gateway.stop()
  }

  @Test(arguments: [
    (HTTP2Client.head("GET", "/a/../b"), 400, "dot segment"),
    (HTTP2Client.head("GET", "/") + [("host", "elsewhere")], 400, "host"),
    (HTTP2Client.head("GET", "/") + [("expect", "tea")], 417, "expectation"),
    (HTTP2Client.head("GET", "/" + String(repeating: "a", count: 9000)), 414, "clients.uri_size"),
    (HTTP2Client.head("GET", "/") + [("x", String(repeating: "a", count: 16_384))], 431, "clients.head_size"),
    ([(":method", "CONNECT"), (":authority", "x:1")], 501, "CONNECT"),
  ])
  func `what is no acceptable request is refused as HTTP1's is`(
    fields: [(String, String)], status: Int, detail: String
  ) throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    let id = client.client.request(fields)
    try client.flush()
    let answer = try client.answer(of: id)
    #expect(answer.status == status && answer.body.contains(detail))
    #expect(try client.answer(of: client.client.get("/nowhere")).status == 404, "the connection goes on")
    gateway.stop()
  }

  @Test func `HEAD is answered without a body`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    let id = client.client.request(HTTP2Client.head("HEAD", TestGateway.path))
    try client.flush()
    let answer = try client.answer(of: id)
    #expect(answer.status == 200 && answer.body.isEmpty && answer.fields["content-type"] != nil)
    let nowhere = client.client.request(HTTP2Client.head("HEAD", "/nowhere"))
    try client.flush()
    let refused = try client.answer(of: nowhere)
    #expect(refused.status == 404 && refused.body.isEmpty && refused.fields["content-length"] != "0")
    gateway.stop()
  }

  @Test func `a stream that its client resets ends the orchestrator's request, and its neighbour goes on`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let client = try gateway.http2()
    let (first, second) = (try client.get("n=1"), try client.get("n=2"))
    var upstreams = [try orchestrator.accept(), try orchestrator.accept()]
    if try upstreams[0].readRequest().body.contains("2") { upstreams.swapAt(0, 1) }
    for upstream in upstreams { try upstream.send(TestSocket.eventStream) }
    client.client.reset(first)
    try client.flush()
    try upstreams[0].waitForEnd()
    #expect(gateway.reason(of: 1) == "client_closed")
    try upstreams[1].sendChunk("data: [DONE]\n\n")
    #expect(try client.answer(of: second).isWhole)
    gateway.stop()
  }

  @Test func `a hundred streams share a connection, each with its own events`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let client = try gateway.http2()
    let ids = try (0..<100).map { try client.get("n=\($0)") }
    var upstreams: [Int: TestSocket] = [:]
    for _ in ids {
      let upstream = try orchestrator.accept()
      let number = try upstream.readRequest().body.filter(\.isNumber)
      upstreams[Int(number) ?? -1] = upstream
      try upstream.send(TestSocket.eventStream)
    }
    for round in 0..<3 {
      for (number, upstream) in upstreams { try upstream.sendChunk("data: \(round) of \(number)\n\n") }
    }
    for upstream in upstreams.values { try upstream.sendChunk("event: completed\ndata: z\n\n") }
    for (number, id) in ids.enumerated() {
      let body = try client.answer(of: id).body
      for round in 0..<3 { #expect(body.contains("data: \(round) of \(number)\n")) }
      #expect(body.components(of: "data: ") == 4)
    }
    gateway.stop()
  }

  @Test func `a stream that is not read waits, its neighbour goes on, and it is disconnected as slow_reader`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, streams: streams(buffer: 128 * 1024))
    // Both windows are opened by hand: the connection's is large, the stream's stays as it was.
    let client = try gateway.http2(opensWindows: false)
    client.client.open(0, by: 100_000_000)
    let slow = try client.get("n=1")
    let slowUpstream = try orchestrator.accept()
    _ = try slowUpstream.readRequest()
    let quick = try client.get("n=2")
    client.client.open(quick, by: 50_000_000)
    try client.flush()
    let quickUpstream = try orchestrator.accept()
    _ = try quickUpstream.readRequest()
    for upstream in [slowUpstream, quickUpstream] { try upstream.send(TestSocket.eventStream) }
    let event = "data: \(String(repeating: "x", count: 50_000))\n\n"
    for number in 0..<20 {
      do { try slowUpstream.sendChunk(event) } catch is TestSocket.Closed {}
      try quickUpstream.sendChunk(event)
      try client.wait { ($0.answers[quick]?.body.utf8.count ?? 0) > 50_000 * (number + 1) }
    }
    let answer = try client.answer(of: slow)
    #expect(answer.reset == 8 && answer.body.utf8.count <= 65_535)
    #expect(gateway.reason(of: 1) == "slow_reader")
    try quickUpstream.sendChunk("data: [DONE]\n\n")
    #expect(try client.answer(of: quick).isWhole)
    gateway.stop()
  }

  @Test func `a stream whose window stays closed for clients send_timeout is reset`() throws {
    let orchestrator = try TestOrchestrator()
    var clients = ClientSettings.default
    clients.sendTimeout = .milliseconds(300)
    let gateway = try gateway(orchestrator, clients: clients)
    let client = try gateway.http2(window: 100, opensWindows: false)
    let id = try client.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: \(String(repeating: "x", count: 1000))\n\n")
    let answer = try client.answer(of: id)
    #expect(answer.body.utf8.count == 100 && answer.reset == 8)
    #expect(gateway.reason(of: 1) == "send_timeout")
    #expect(try client.answer(of: client.client.get("/nowhere")).status == 404, "the connection goes on")
    gateway.stop()
  }

  @Test func `a connection that is not read for clients send_timeout is closed with all its streams`() throws {
    let orchestrator = try TestOrchestrator()
    var clients = ClientSettings.default
    clients.sendTimeout = .milliseconds(300)
    let gateway = try gateway(orchestrator, streams: streams(buffer: 64 * 1024 * 1024), clients: clients)
    let client = try gateway.http2(window: 1 << 30, opensWindows: false, receiveBuffer: 4096)
    client.client.open(0, by: 1 << 30)
    _ = try client.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    do {
      for _ in 0..<200 { try upstream.sendChunk("data: \(String(repeating: "x", count: 60_000))\n\n") }
      try upstream.waitForEnd()
    } catch is TestSocket.Closed {}
    #expect(gateway.reason(of: 1) == "send_timeout")
    gateway.stop()
  }

  @Test func `much is written without a byte lost, in turns`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, streams: streams(buffer: 16 * 1024 * 1024))
    let client = try gateway.http2(window: 1_000_000, receiveBuffer: 8192)
    let ids = [try client.get("n=1"), try client.get("n=2")]
    let upstreams = try ids.map { _ in try orchestrator.accept() }
    for upstream in upstreams {
      _ = try upstream.readRequest()
      try upstream.send(TestSocket.eventStream)
    }
    for number in 0..<50 {
      for upstream in upstreams {
        try upstream.sendChunk("data: \(number) \(String(repeating: "Y", count: 60_000))\n\n")
      }
    }
    for upstream in upstreams { try upstream.sendChunk("event: completed\ndata: z\n\n") }
    for id in ids {
      let body = try client.answer(of: id).body
      for number in 0..<50 { #expect(body.contains("data: \(number) Y")) }
      #expect(body.components(of: "Y") == 50 * 60_000)
    }
    gateway.stop()
  }

  @Test func `a silent stream has heartbeats, each at the boundary of an event`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, streams: streams(heartbeat: .milliseconds(50)))
    let client = try gateway.http2()
    let ids = [try client.get("n=1"), try client.get("n=2")]
    let upstreams = try ids.map { _ in try orchestrator.accept() }
    for id in ids { try client.wait { ($0.answers[id]?.body ?? "").components(of: ": hb\n") >= 2 } }
    for upstream in upstreams {
      try upstream.send(TestSocket.eventStream)
      try upstream.sendChunk("event: completed\ndata: z\n\n")
    }
    for id in ids { #expect(try !client.answer(of: id).body.contains(": hb\n\n")) }
    gateway.stop()
  }

  @Test func `limits count each stream of a connection, and a newer one takes the oldest's place`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator) {
      $0.limits = [Limit(name: "tabs", per: [.client], counts: .streams(2), whenFull: .evictOldest)]
    }
    let client = try gateway.http2()
    let ids = try (1...3).map { try client.get("n=\($0)") }
    let evicted = try client.answer(of: ids[0])
    #expect(evicted.body.contains("event: sluice.evicted\ndata: {\"limit\":\"tabs\"}") && evicted.isWhole)
    #expect(gateway.log.wait(for: "request").values["limit"] == "tabs")
    gateway.stop()
  }

  @Test func `a limit of connections counts one for all its streams, and refuses a second`() throws {
    let gateway = try gateway {
      $0.limits = [Limit(name: "sockets", per: [.client], counts: .connections(1), whenFull: .refuse)]
    }
    let client = try gateway.http2()
    for _ in 0..<2 {
      let id = client.client.request(HTTP2Client.head("HEAD", TestGateway.path))
      try client.flush()
      #expect(try client.answer(of: id).status == 200)
    }
    let second = try gateway.http2()
    #expect(try second.answer(of: try second.get()).status == 429)
    #expect(try second.readToEnd() == 0)
    gateway.stop()
  }

  @Test func `a drain lets streams finish, and an idle connection go at once`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let idle = try gateway.http2()
    #expect(try idle.answer(of: idle.client.get("/nowhere")).status == 404)
    let client = try gateway.http2()
    let id = try client.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: 1\n\n")
    try client.wait(for: "data: 1\n", in: id)
    gateway.gateway.drain(within: .seconds(20))
    #expect(try idle.readToEnd() == 0)
    try client.wait { $0.goAway != nil }
    try upstream.sendChunk("event: completed\ndata: 2\n\n")
    #expect(try client.answer(of: id).body.contains("data: 2\n"))
    #expect(try client.readToEnd() == 0)
    gateway.gateway.waitUntilDrained()
  }

  @Test func `a feed's readers are cut at the end of a drain, with a retry line and a reset`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, feed: TestGateway.feed())
    let client = try gateway.http2()
    let id = client.client.get("/events/room")
    try client.flush()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("id: a\ndata: 1\n\n")
    try client.wait(for: "data: 1\n", in: id)
    gateway.gateway.drain(within: .milliseconds(100))
    let answer = try client.answer(of: id)
    #expect(answer.reset == 8 && !answer.isWhole)
    #expect(answer.body.split(separator: "\n").last?.hasPrefix("retry: ") == true)
    gateway.gateway.waitUntilDrained()
  }
}
