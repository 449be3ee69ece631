import Admission
import Gateway
import Reactor
import Settings
import Support
import Testing

/// What a client may not do, each by the bound that stops it.
@Suite(.timeLimit(.minutes(2))) struct HTTP2AbuseTests {
  /// A gateway with small bounds.
  private func gateway(
    _ orchestrator: TestOrchestrator? = nil, changing change: (inout ClientSettings) -> Void = { _ in }
  ) throws -> TestGateway {
    var clients = ClientSettings.default
    let small = Rate(count: 10, unit: .hour)
    clients.http2.resets = small
    clients.http2.pings = small
    clients.http2.settings = small
    clients.http2.emptyFrames = small
    clients.http2.continuations = 4
    clients.http2.streams = 5
    change(&clients)
    return try TestGateway(
      upstream: [orchestrator?.port ?? 1], clients: clients, changing: { $0.listen[0].http2 = true })
  }

  /// The code for a client that should do less.
  private let calm: UInt32 = 11

  /// Expects that a client was sent away because of a bound, and that others notice nothing.
  private func expectEnd(_ client: TestHTTP2Client, by bound: String, of gateway: TestGateway) throws {
    #expect(try client.readToEnd() == calm)
    try expectLine(bound, of: gateway)
    let other = try gateway.http2()
    #expect(try other.answer(of: other.client.get("/nowhere")).status == 404)
    gateway.stop()
  }

  private func expectLine(_ bound: String, of gateway: TestGateway) throws {
    var number = 1
    while true {
      let line = gateway.log.wait(for: "request", number: number)
      if line.values["detail"]?.contains("clients.http2.\(bound) ") == true {
        #expect(line.values["reason"] == "http2_flood")
        return
      }
      number += 1
    }
  }

  /// What comes after the client was sent away may find a closed socket.
  private func send(_ bytes: [UInt8], by client: TestHTTP2Client) throws {
    do { try client.send(bytes) } catch is TestSocket.Closed {}
  }

  @Test(arguments: [0, 8] as [UInt32])
  func `as many resets as allowed are taken, one more ends the connection and its streams`(code: UInt32) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let client = try gateway.http2()
    let kept = try client.get()
    let upstream = try orchestrator.accept()
    for _ in 0..<10 {
      let id = client.client.request(HTTP2Client.head("POST", TestGateway.path), isOpen: true)
      try client.flush()
      client.client.reset(id, code: code)
      try client.flush()
    }
    #expect(try client.answer(of: client.client.get("/nowhere")).status == 404)
    let id = client.client.request(HTTP2Client.head("POST", TestGateway.path), isOpen: true)
    try client.flush()
    client.client.reset(id, code: code)
    try client.flush()
    #expect(client.client.answers[kept]?.isWhole == false)
    try upstream.waitForEnd()
    try expectEnd(client, by: "resets", of: gateway)
  }

  @Test func `resets that the client provokes count as its own`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    for _ in 0..<11 {
      // A body that is not as long as it says (RFC 9113 §8.1.1).
      _ = try client.begin { HTTP2Frames.request($0, "/", [("content-length", "5")]) }
    }
    try expectEnd(client, by: "resets", of: gateway)
  }

  @Test func `malformed requests count as resets`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    for _ in 0..<11 { _ = try client.begin { HTTP2Frames.request($0, "/", [("x-bad", "a\u{1}")]) } }
    #expect(gateway.log.wait(for: "request").values["status"] == "400")
    try expectEnd(client, by: "resets", of: gateway)
  }

  @Test func `a stream over the maximum is refused, the connection goes on`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let client = try gateway.http2()
    let ids = try (0..<6).map { try client.get("n=\($0)") }
    #expect(try client.answer(of: ids[5]).reset == 7, "REFUSED_STREAM: it may be asked for again")
    try expectLine("streams", of: gateway)
    client.client.reset(ids[0])
    try client.flush()
    // One has left: there is room again.
    let id = try client.get("n=7")
    try client.wait { $0.answers[id]?.status == 200 }
    #expect(client.client.goAway == nil && client.client.settings[3] == 5)
    gateway.stop()
  }

  @Test func `PING frames`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    for _ in 0..<10 {
      client.client.ping()
      try client.flush()
    }
    try client.wait { $0.pongs == 10 }
    try send(HTTP2Frames.frame(6, [UInt8](repeating: 0, count: 8)), by: client)
    try expectEnd(client, by: "pings", of: gateway)
  }

  @Test func `SETTINGS frames`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    // The client's own are the first.
    for _ in 0..<10 {
      client.client.tellSettings()
      try send(client.client.takeOutput(), by: client)
    }
    try expectEnd(client, by: "settings", of: gateway)
  }

  @Test(arguments: [
    HTTP2Frames.frame(0, stream: 1), HTTP2Frames.frame(0, flags: 8, stream: 1, [3, 0, 0, 0]),
    HTTP2Frames.frame(2, stream: 1, [0, 0, 0, 0, 1]), HTTP2Frames.frame(0xEE, stream: 0, [1, 2, 3]),
  ])
  func `frames that carry nothing`(frame: [UInt8]) throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    _ = try client.begin { stream in
      HTTP2Frames.frame(1, flags: 4, stream: stream, HTTP2Frames.block(HTTP2Client.head("POST", TestGateway.path)))
    }
    for _ in 0..<10 { try send(frame, by: client) }
    _ = try client.begin { HTTP2Frames.request($0, "/nowhere") }
    try client.wait { $0.answers[3]?.isWhole == true }
    try send(frame, by: client)
    try expectEnd(client, by: "empty_frames", of: gateway)
  }

  @Test func `windows that are opened for no DATA`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    for _ in 0..<11 { try send(HTTP2Frames.frame(8, HTTP2Frames.number(1)), by: client) }
    try expectEnd(client, by: "empty_frames", of: gateway)
  }

  @Test func `a window that is opened byte by byte`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let client = try gateway.http2(window: 1, opensWindows: false)
    let id = try client.get()
    let upstream = try orchestrator.accept()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: \(String(repeating: "x", count: 1000))\n\n")
    for number in 1...11 {
      try client.wait { ($0.answers[id]?.frames.count ?? 0) >= number }
      client.client.openAlone(id, by: 1)
      try client.flush()
    }
    // Two were paid for by the request.
    for _ in 0..<2 {
      client.client.openAlone(id, by: 1)
      try send(client.client.takeOutput(), by: client)
    }
    try expectEnd(client, by: "empty_frames", of: gateway)
  }

  @Test func `CONTINUATION frames`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    func begin() throws {
      _ = try client.begin { stream in
        HTTP2Frames.frame(1, flags: 1, stream: stream, HTTP2Frames.block(HTTP2Client.head("GET", "/nowhere")))
      }
    }
    try begin()
    for number in 0..<4 {
      try client.send(
        HTTP2Frames.frame(9, flags: number == 3 ? 4 : 0, stream: 1, HTTP2Frames.block([("x-\(number)", "y")])))
    }
    try client.wait { $0.answers[1]?.isWhole == true }
    try begin()
    for number in 0..<5 {
      try send(HTTP2Frames.frame(9, stream: 3, HTTP2Frames.block([("x-\(number)", "y")])), by: client)
    }
    try expectEnd(client, by: "continuations", of: gateway)
  }

  @Test func `a head that never ends is given clients head_timeout`() throws {
    let gateway = try gateway { $0.headTimeout = .milliseconds(100) }
    let client = try gateway.http2()
    try client.send(HTTP2Frames.frame(1, flags: 1, stream: 1, HTTP2Frames.block(HTTP2Client.head("GET", "/"))))
    #expect(try client.readToEnd() == calm)
    let line = gateway.log.wait(for: "request").values
    #expect(line["reason"] == "head_timeout" && line["status"] == "408")
    gateway.stop()
  }

  @Test func `a small block that stands for a large head is refused by clients head_size`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    // A field of 4,000 bytes goes to the table once (RFC 7541 §6.2.1), then one byte stands for it each time.
    let value = String(repeating: "a", count: 4000)
    let literal = Array(HTTP2Frames.block([("x", value)]).dropFirst())
    let bomb = [0x40] + literal + [UInt8](repeating: 0x80 | 62, count: 12_000)
    let head = HTTP2Frames.block(HTTP2Client.head("GET", "/nowhere"))
    _ = try client.begin { HTTP2Frames.frame(1, flags: 5, stream: $0, head + bomb) }
    _ = try client.begin { HTTP2Frames.request($0, "/nowhere") }
    try client.wait { $0.answers[1]?.isWhole == true && $0.answers[3]?.isWhole == true }
    #expect(client.client.answers[1]?.status == 431 && client.client.answers[3]?.status == 404)
    gateway.stop()
  }

  @Test func `a connection without streams is closed after clients idle_timeout`() throws {
    let gateway = try gateway { $0.idleTimeout = .milliseconds(100) }
    let client = try gateway.http2()
    #expect(try client.readToEnd() == 0)
    gateway.stop()
  }

  @Test func `bytes that are no frames end the connection`() throws {
    let gateway = try gateway()
    let client = try gateway.http2()
    try client.send([UInt8](repeating: 0x41, count: 100))
    #expect(try client.readToEnd() == 6, "FRAME_SIZE_ERROR")
    gateway.stop()
  }
}
