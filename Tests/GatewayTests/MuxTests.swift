import Admission
import Gateway
import Settings
import Support
import Testing

@Suite(.timeLimit(.minutes(2))) struct MuxTests {
  private func gateway(
    _ orchestrator: TestOrchestrator, workers: Int = 1, streams: StreamSettings = .default,
    onAbandoned: OnAbandoned = .linger(.seconds(60)), answerAfter: Duration = .zero,
    mux: MuxSettings = .default, limits: [Limit] = []
  ) throws -> TestGateway {
    try TestGateway(
      upstream: [orchestrator.port], streams: streams, answerAfter: answerAfter, onAbandoned: onAbandoned,
      feed: TestGateway.feed(), workers: workers
    ) { settings in
      settings.mux = mux
      settings.limits = limits
    }
  }

  private func target(_ message: String) -> String { "\(TestGateway.path)?message=\(message)" }

  /// The orchestrator's next request, by the number in its message.
  private func upstream(_ orchestrator: TestOrchestrator) throws -> (number: Int, socket: TestSocket) {
    let socket = try orchestrator.accept()
    let number = try #require(try socket.readRequest().body.firstMatch(of: /"message":"?(\d+)/).flatMap { Int($0.1) })
    try socket.send(TestSocket.eventStream)
    return (number, socket)
  }

  private func reason(_ message: TestMux.Message) -> String? {
    message.data.firstMatch(of: /"reason":"([a-z_]+)"/).map { String($0.1) }
  }

  private let streamLimit = Limit(name: "few", per: [], counts: .streams(50), whenFull: .refuse)

  // MARK: - Many streams

  @Test(arguments: [1, 4]) func `fifty runs over one connection, begun by query, by target and by POST`(
    workers: Int
  ) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, workers: workers, limits: [streamLimit])
    // Twice, for the second fifty find room only where the first have given theirs back.
    for _ in 0..<2 {
      let mux = try TestMux(gateway, (1...20).map { target("\($0)") })
      let byTarget = (21...40).map { "\"\(target("\($0)"))\"" }
      let byPost = (41...50).map { number in
        #"{"method":"POST","path":"\#(TestGateway.path)","body":{"message":\#(number),"deep":[1.50,{"a":"\u00fc"}]}}"#
      }
      let order = try gateway.order(mux.id, "{\"open\":[\((byTarget + byPost).joined(separator: ","))]}")
      #expect(order.status == "200" && order.body.contains(#""opened":[{"stream":21,"target":"\#(target("21"))"},"#))
      #expect(order.body.hasSuffix(#"{"stream":50,"target":"/process/stream"}],"closed":[]}"# + "\n"))
      var upstreams: [(number: Int, socket: TestSocket)] = []
      for _ in 1...50 { upstreams.append(try upstream(orchestrator)) }
      #expect(upstreams.map(\.number).sorted() == Array(1...50))
      for round in 1...3 {
        for (number, socket) in upstreams { try socket.sendChunk("event: e\ndata: \(number)-\(round)\ndata: ü\n\n") }
      }
      for (_, socket) in upstreams { try socket.sendChunk("data: [DONE]\n\n") }
      var ended = 0
      let messages = try mux.read { message in
        if message.type == "sluice.closed" { ended += 1 }
        return ended == 50
      }
      for number in 1...50 {
        let own = messages.filter { $0.stream == number }
        #expect(own.first?.type == "sluice.opened")
        let opened = own.first.map(\.data) ?? ""
        let name = try #require(opened.firstMatch(of: /"name":"([a-z2-7]{26})","status":200\}$/)).1
        #expect(own.first?.id == "\(name).0")
        let expected =
          (1...3).map { TestMux.Message(stream: number, id: ".\($0)", type: "e", data: "\(number)-\($0)\nü") }
          + [
            TestMux.Message(stream: number, id: ".4", type: "message", data: "[DONE]"),
            TestMux.Message(
              stream: number, id: "-", type: "sluice.closed", data: #"{"reason":"completed","status":200}"#),
          ]
        #expect(Array(own.dropFirst()) == expected)
      }
      #expect(try gateway.order(mux.id, "", method: "DELETE").status == "204")
    }
    gateway.stop()
  }

  @Test(arguments: [1, 4]) func `feeds and joined runs are streams of a mux, wherever they live`(workers: Int) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, workers: workers, onAbandoned: .cancel)
    let first = try gateway.get("message=1")
    let run = try #require(try first.read(through: "\n\n").firstMatch(of: /Sluice-Run: ([a-z2-7]{26})/)).1
    let chat = try upstream(orchestrator).socket
    try chat.sendChunk("data: a\n\n")
    _ = try first.read(through: "data: a\n")
    // The kernel spreads connections over the workers.
    var muxes: [TestMux] = []
    var news: TestSocket?
    for _ in 0..<8 {
      let join = "/_sluice/runs/\(run)"
      let mux = try TestMux(gateway, [join, "\(join)?last_event_id=\(run).1", "/events/a"])
      if news == nil {
        news = try orchestrator.accept()
        _ = try news?.readRequest()
        try news?.send(TestSocket.eventStream)
      }
      let joined = try mux.read { $0.stream == 1 && $0.data == "a" }
      #expect(joined.contains { $0.stream == 1 && $0.data.contains(#""name":"\#(run)""#) && $0.id == "\(run).0" })
      muxes.append(mux)
    }
    first.reset()
    try chat.sendChunk("data: b\n\n")
    try news?.sendChunk("data: x\nid: ü 1%\n\n")
    for mux in muxes {
      var wanted = Set(["1 .2 b", "2 .2 b", "3 %C3%BC%201%25 x"])
      _ = try mux.read { message in
        wanted.remove("\(message.stream) \(message.id) \(message.data)")
        return wanted.isEmpty
      }
    }
    // The run goes on for the last of them, and not without.
    for mux in muxes.dropLast() { _ = try gateway.order(mux.id, #"{"close":[1,2,3]}"#) }
    try chat.sendChunk("data: c\n\n")
    let last = try #require(muxes.last)
    _ = try last.read { $0.data == "c" }
    #expect(try gateway.order(last.id, #"{"close":[1,2,9]}"#).body == #"{"opened":[],"closed":[1,2]}"# + "\n")
    try chat.waitForEnd()
    gateway.stop()
  }

  // MARK: - Resuming

  @Test(arguments: [(1, 1), (4, 2), (4, 3)])
  func `every event comes exactly once, however often the connection is cut`(workers: Int, seed: UInt64) throws {
    var random = SplitMix(seed)
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, workers: workers)
    var mux = try TestMux(gateway, (1...6).map { target("\($0)") })
    var upstreams: [(number: Int, socket: TestSocket)] = []
    for _ in 1...6 { upstreams.append(try upstream(orchestrator)) }
    var got: [Int: [String]] = [:]
    var opened = 0
    func take(_ message: TestMux.Message) {
      switch message.type {
      case "sluice.opened": opened += 1
      case "sluice.closed": got[message.stream, default: []].append("over")
      default: got[message.stream, default: []].append(message.data)
      }
    }
    let rounds = 40
    for round in 1...rounds {
      for (number, socket) in upstreams { try socket.sendChunk("data: \(number)-\(round)\n\n") }
      // Some of it is read, and more was written to a socket that nobody reads.
      for _ in 0..<Int.random(in: 0...8, using: &random) { take(try mux.next()) }
      guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
      let last = mux.last
      mux.socket.reset()
      mux = try TestMux(gateway, resuming: last)
      #expect(mux.head.hasPrefix("HTTP/1.1 200 "))
    }
    for (_, socket) in upstreams { try socket.sendChunk("data: [DONE]\n\n") }
    while got.values.count(where: { $0.last == "over" }) < 6 { take(try mux.next()) }
    #expect(opened == 6)
    for number in 1...6 {
      #expect(got[number] == (1...rounds).map { "\(number)-\($0)" } + ["[DONE]", "over"])
    }
    gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a mux whose client does not come back is left, and is gone`(workers: Int) throws {
    let orchestrator = try TestOrchestrator()
    var settings = MuxSettings.default
    settings.linger = .milliseconds(50)
    let gateway = try gateway(orchestrator, workers: workers, onAbandoned: .cancel, mux: settings)
    let mux = try TestMux(gateway, [target("1")])
    let chat = try upstream(orchestrator).socket
    try chat.sendChunk("data: a\n\n")
    _ = try mux.read { $0.data == "a" }
    mux.socket.reset()
    try chat.waitForEnd()
    let line = gateway.log.wait(for: "request", number: 2)
    #expect(line.values["mux"] == mux.id && line.values["run"] != nil && line.values["events"] == "1")
    let again = try TestMux(gateway, resuming: mux.last)
    let gone = try again.next()
    #expect(gone == .init(stream: 0, id: "-", type: "sluice.gone", data: #"{"mux":"\#(mux.id)"}"#))
    #expect(try again.socket.readToEnd().isEmpty)
    #expect(again.last == "\(mux.id).end")
    #expect(try TestMux(gateway, resuming: again.last).head.hasPrefix("HTTP/1.1 204 "))
    #expect(try gateway.order(mux.id, "{}").status == "404")
    gateway.stop()
  }

  @Test func `a mux that has carried nothing is gone with its client`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let mux = try TestMux(gateway, ["/nowhere"])
    _ = try mux.readStream(1)
    #expect(try gateway.order(mux.id, "{}").status == "200")
    mux.socket.reset()
    while try gateway.order(mux.id, "{}").status != "404" {}
    gateway.stop()
  }

  @Test func `who has lost messages of some streams opens these again, and the others go on`() throws {
    let orchestrator = try TestOrchestrator()
    var streams = StreamSettings.default
    streams.eventSizeBytes = 4096
    let small = MuxSettings(streams: 10, logBytes: 32 * 1024, linger: .seconds(30))
    let gateway = try gateway(orchestrator, streams: streams, mux: small)
    let mux = try TestMux(gateway, (1...3).map { target("\($0)") })
    var upstreams: [Int: TestSocket] = [:]
    for _ in 1...3 {
      let next = try upstream(orchestrator)
      upstreams[next.number] = next.socket
    }
    try upstreams[3]?.sendChunk("data: quiet\n\n")
    _ = try mux.read { $0.data == "quiet" }
    let seen = mux.last
    let filler = String(repeating: "x", count: 3000)
    for number in 1...20 { try upstreams[1]?.sendChunk("data: \(number) \(filler)\n\n") }
    try upstreams[2]?.sendChunk("data: [DONE]\n\n")
    for number in 21...40 { try upstreams[1]?.sendChunk("data: \(number) \(filler)\n\n") }
    _ = try mux.read { $0.data.hasPrefix("40 ") }
    let newest = try #require(mux.last.split(separator: ".").last.flatMap { Int($0) })
    let from = try #require(seen.split(separator: ".").last.flatMap { Int($0) }) + 1
    mux.socket.reset()
    let again = try TestMux(gateway, resuming: seen)
    let gap = try again.next()
    #expect(gap == .init(stream: 0, id: "-", type: "sluice.gap", data: #"{"from":\#(from),"to":\#(newest)}"#))
    var closed: [Int: String] = [:]
    while closed.count < 2 {
      let message = try again.next()
      #expect(message.type == "sluice.closed")
      closed[message.stream] = reason(message)
    }
    // Of the second it never heard that it had ended.
    #expect(closed == [1: "gap", 2: "gap"])
    try upstreams[3]?.sendChunk("data: more\n\n")
    #expect(try again.next().data == "more")
    gateway.stop()
  }

  // MARK: - Refusals

  @Test(arguments: [1, 4]) func `a stream that is refused says why in its only message`(workers: Int) throws {
    let orchestrator = try TestOrchestrator()
    let limit = Limit(name: "two", per: [.client], counts: .streams(2), whenFull: .refuse)
    let gateway = try gateway(
      orchestrator, workers: workers, mux: MuxSettings(streams: 12, logBytes: 1 << 20, linger: .zero), limits: [limit])
    let unknown = String(repeating: "a", count: 26)
    let mux = try TestMux(
      gateway,
      [
        target("1"), target("2"), target("3"), "/nowhere", "/_sluice/mux", "relative", "/a%0d%0aX: y",
        "/_sluice/runs/\(unknown)", "\(TestGateway.path)?last_event_id=\(unknown).5",
      ])
    let expected: [(Int, String, Int, String)] = [
      (3, "limit", 429, #""limit":"two""#), (4, "refused", 404, #""title":"Not Found""#),
      (5, "refused", 400, "can't be a stream of a mux"), (6, "bad_request", 400, #""detail""#),
      (7, "bad_request", 400, #""detail""#),
    ]
    for (number, reason, status, member) in expected {
      let message = try #require(try mux.readStream(number).last)
      #expect(message.data.hasPrefix(#"{"reason":"\#(reason)","status":\#(status)"#), "\(message)")
      #expect(message.data.contains(member), "\(message)")
    }
    // Limits come first, and the two that are open hold them.
    #expect(reason(try #require(try mux.readStream(9).last)) == "limit")
    _ = try gateway.order(mux.id, #"{"close":[1,2]}"#)
    let order = try gateway.order(
      mux.id, #"{"open":["/_sluice/runs/\#(unknown)","\#(TestGateway.path)?last_event_id=\#(unknown).5"]}"#)
    #expect(order.status == "200")
    // Where another worker is asked, the answers come in any order.
    var answers: [Int: String] = [:]
    while answers.count < 2 {
      let message = try mux.next()
      if message.stream >= 10 { answers[message.stream] = message.data }
    }
    #expect(answers[10]?.hasPrefix(#"{"reason":"refused","status":404,"#) == true)
    #expect(answers[11] == #"{"reason":"run_unknown","status":200,"event":"error","source":"gateway"}"#)
    // As many as the mux may carry, and no more.
    let many = (1...12).map { _ in "\"/nowhere\"" }
    #expect(try gateway.order(mux.id, "{\"open\":[\(many.joined(separator: ","))]}").status == "200")
    let tooMany = try gateway.order(mux.id, "{\"open\":[\((many + many).joined(separator: ","))]}")
    #expect(tooMany.status == "400" && tooMany.body.contains(#""limit":"mux.streams""#))
    gateway.stop()
  }

  @Test func `an orchestrator's own refusal of a POST is told with its words`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, answerAfter: .seconds(10))
    let mux = try TestMux(gateway)
    let order =
      #"{"open":[{"method":"POST","path":"/process/stream","body":"{\"a\": 1}","#
      + #""headers":{"Content-Type":"application/x-chat","idempotency-key":"k"}}]}"#
    #expect(try gateway.order(mux.id, order).status == "200")
    let chat = try orchestrator.accept()
    let request = try chat.readRequest()
    #expect(request.body == #"{"a": 1}"# && request.head.contains("content-type: application/x-chat\r\n"))
    let words = "{\"title\": \"no\",\n \"code\": [7]}"
    try chat.send(
      "HTTP/1.1 422 No\r\nContent-Type: application/json\r\nRetry-After: 9\r\nContent-Length: \(words.utf8.count)\r\n\r\n"
        + words)
    let message = try #require(try mux.readStream(1).last)
    let expected = #"{"reason":"upstream_status","status":422,"retry_after":9,"title":"no","code":[7]}"#
    #expect(message.data == expected)
    gateway.stop()
  }

  @Test func `orders that are none are refused whole`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let mux = try TestMux(gateway)
    let orders = [
      "", "[]", "{", #"{"open":{}}"#, #"{"opn":[]}"#, #"{"close":["1"]}"#, #"{"open":[1]}"#,
      #"{"open":[{"method":"PUT","path":"/"}]}"#, #"{"open":[{"path":"/","body":"x"}]}"#,
      #"{"open":[{"path":"/","headers":{"cookie":"a=b"}}]}"#,
      #"{"open":[{"path":"/","headers":{"traceparent":"a\r\nb: c"}}]}"#,
    ]
    for order in orders {
      let answer = try gateway.order(mux.id, order)
      #expect(answer.status == "400" && answer.body.contains(#""status":400"#), "\(order)")
    }
    #expect(try gateway.order(String(repeating: "a", count: 26), "{}").status == "404")
    #expect(try gateway.order("nothing", "{}", method: "DELETE").status == "404")
    #expect(orchestrator.isUntouched)
    gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a mux is for whoever began it`(workers: Int) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, workers: workers)
    let (alice, bob) = ("Authorization: Bearer alice\r\n", "Authorization: Bearer bob\r\n")
    let mux = try TestMux(gateway, [target("1")], fields: alice)
    let opened = try mux.next()
    let run = try #require(opened.data.firstMatch(of: /"name":"([a-z2-7]{26})"/)).1
    for method in ["POST", "PATCH", "DELETE"] {
      #expect(try gateway.order(mux.id, "{}", method: method, fields: bob).status == "403")
      #expect(try gateway.order(mux.id, "{}", method: method).status == "403")
    }
    #expect(try TestMux(gateway, fields: bob, resuming: mux.last).head.hasPrefix("HTTP/1.1 403 "))
    // Its streams are hers, too.
    let other = try TestMux(gateway, ["/_sluice/runs/\(run)"], fields: bob)
    #expect(try other.next().data.hasPrefix(#"{"reason":"refused","status":403"#))
    #expect(try gateway.order(mux.id, "{}", method: "PATCH", fields: alice).status == "200")
    gateway.stop()
  }

  // MARK: - Ends

  @Test func `whoever comes with the same mux takes the place of who was there`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator)
    let mux = try TestMux(gateway, [target("1")])
    let chat = try upstream(orchestrator).socket
    try chat.sendChunk("data: a\n\n")
    _ = try mux.read { $0.data == "a" }
    let other = try TestMux(gateway, resuming: mux.last)
    try mux.socket.waitForEnd()
    try chat.sendChunk("data: b\n\n")
    #expect(try other.next().data == "b")
    // Ended by its client, it ends with its streams at once.
    #expect(try gateway.order(mux.id, "", method: "DELETE").status == "204")
    try other.socket.waitForEnd()
    gateway.stop()
    try chat.waitForEnd()
  }

  @Test(arguments: [1, 4]) func `a drain ends the runs, then cuts the client that is to come back`(workers: Int) throws
  {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, workers: workers)
    let mux = try TestMux(gateway, [target("1"), "/events/a"])
    let chat = try orchestrator.accept()
    _ = try chat.readRequest()
    _ = try orchestrator.accept().readRequest()
    _ = try mux.read { $0.stream == 2 && $0.type == "sluice.opened" }
    gateway.gateway.drain(within: .milliseconds(100))
    let messages = try mux.read { $0.stream == 1 && $0.type == "sluice.closed" }
    #expect(messages.contains { $0.stream == 1 && $0.data.contains(#""reason":"drained""#) })
    #expect(try mux.socket.readToEnd().contains("retry: "))
    gateway.gateway.waitUntilDrained()
  }
}
