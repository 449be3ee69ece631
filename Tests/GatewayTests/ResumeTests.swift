import Gateway
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct ResumeTests {
  /// A run with its orchestrator's connection, its first reader, and its name.
  private struct LiveRun {
    let orchestrator: TestOrchestrator
    let gateway: TestGateway
    let upstream: TestSocket
    let first: TestSocket
    let id: String
  }

  private func begin(
    _ streams: StreamSettings = .default, onAbandoned: OnAbandoned = .linger(.seconds(60)), fields: String = "",
    workers: Int = 1
  ) throws -> LiveRun {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(
      upstream: [orchestrator.port], streams: streams, onAbandoned: onAbandoned, workers: workers)
    let first = try gateway.get(fields: fields)
    let head = try first.read(through: "\r\n\r\n")
    let id = try #require(head.firstMatch(of: /Sluice-Run: ([a-z2-7]{26})\r\n/)).1
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    return LiveRun(orchestrator: orchestrator, gateway: gateway, upstream: upstream, first: first, id: String(id))
  }

  private func send(_ numbers: ClosedRange<Int>, _ run: LiveRun) throws {
    for number in numbers { try run.upstream.sendChunk("data: \(number)\n\n") }
    _ = try run.first.read(through: "data: \(numbers.upperBound)\n")
  }

  private func request(_ run: LiveRun, _ line: String, fields: String = "") throws -> TestSocket {
    let client = try run.gateway.connect()
    try client.send("\(line) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
    return client
  }

  private func events(_ body: String) -> [String] {
    body.replacing("\r\n", with: "\n").split(separator: "\n").filter { $0.hasPrefix("data: ") }.map {
      String($0.dropFirst(6))
    }
  }

  @Test(arguments: [1, 4]) func `a reader that comes back goes on behind its last event, however it says which`(
    workers: Int
  ) throws {
    let run = try begin(workers: workers)
    try send(1...5, run)
    run.first.reset()
    let readers = [
      try run.gateway.get(fields: "Last-Event-ID: \(run.id).2\r\n"),
      try run.gateway.get("last_event_id=\(run.id).2"),
      try run.gateway.post(fields: "Last-Event-ID: \(run.id).2\r\n"),
      try request(run, "GET /_sluice/runs/\(run.id)", fields: "Last-Event-ID: \(run.id).2\r\n"),
    ]
    for reader in readers {
      let caughtUp = try reader.read(through: "data: 5\n")
      #expect(caughtUp.contains("\nid: \(run.id).2\n\n"), "it is told its place")
      #expect(events(caughtUp) == ["3", "4", "5"])
    }
    try run.upstream.sendChunk("data: [DONE]\n\n")
    for reader in readers { #expect(events(try reader.read(through: "0\r\n\r\n")) == ["[DONE]"]) }
    run.gateway.stop()
    #expect(run.orchestrator.isUntouched)
  }

  @Test(arguments: [1, 4]) func `a finished run gives what is left, then 204`(workers: Int) throws {
    let run = try begin(workers: workers)
    try send(1...2, run)
    try run.upstream.sendChunk("data: [DONE]\n\n")
    _ = try run.first.read(through: "0\r\n\r\n")
    let late = try run.gateway.get(fields: "Last-Event-ID: \(run.id).1\r\n")
    #expect(events(try late.read(through: "0\r\n\r\n")) == ["2", "[DONE]"])
    let over = try run.gateway.get(fields: "Last-Event-ID: \(run.id).3\r\n")
    #expect(try over.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204 "))
    let tab = try request(run, "GET /_sluice/runs/\(run.id)")
    #expect(events(try tab.read(through: "0\r\n\r\n")) == ["1", "2", "[DONE]"])
    run.gateway.stop()
    #expect(run.orchestrator.isUntouched)
  }

  @Test(arguments: [1, 4]) func `a run that is not known is said to be so, once, and never run again`(
    workers: Int
  ) throws {
    let run = try begin(workers: workers)
    let unknown = String(repeating: "a", count: 26)
    for id in ["\(unknown).7", "\(run.id).99"] {
      let reader = try run.gateway.get(fields: "Last-Event-ID: \(id)\r\n")
      let answer = try reader.read(through: ".end\n\n")
      #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains(#""reason":"run_unknown""#))
      let named = try #require(answer.firstMatch(of: /id: ([^\n]+)\n/)).1
      let again = try run.gateway.get(fields: "Last-Event-ID: \(named)\r\n")
      #expect(try again.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204 "))
    }
    let missing = try request(run, "GET /_sluice/runs/\(unknown)")
    #expect(try missing.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
    run.gateway.stop()
    #expect(run.orchestrator.isUntouched)
  }

  @Test(arguments: [1, 4]) func `what has left the log is a gap event, then the oldest that is kept`(
    workers: Int
  ) throws {
    var streams = StreamSettings.default
    streams.log.events = 3
    let run = try begin(streams, workers: workers)
    try send(1...9, run)
    let late = try run.gateway.get(fields: "Last-Event-ID: \(run.id).2\r\n")
    let caughtUp = try late.read(through: "data: 9\n")
    #expect(caughtUp.contains("event: sluice.gap\ndata: {\"from\":3,\"to\":6}\nid: \(run.id).6\n\n"))
    #expect(events(caughtUp) == ["{\"from\":3,\"to\":6}", "7", "8", "9"])
    run.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a late reader may catch up in its own time while the run grows on`(workers: Int) throws
  {
    var streams = StreamSettings.default
    streams.clientBufferBytes = 128 * 1024
    streams.log.bytes = 64 * 1024 * 1024
    let run = try begin(streams, workers: workers)
    let text = String(repeating: "x", count: 60_000)
    func grow(_ numbers: ClosedRange<Int>) throws {
      for number in numbers {
        try run.upstream.sendChunk("data: \(number) \(text)\n\n")
        _ = try run.first.read(through: "data: \(number) \(text)\nid: ")
      }
    }
    try grow(1...80)
    let late = try TestSocket(port: run.gateway.port, receiveBuffer: 4096)
    try late.send("GET /_sluice/runs/\(run.id) HTTP/1.0\r\n\r\n")
    _ = try late.read(through: "\r\n\r\n")
    // It reads nothing while the run grows by far more than a reader may lag.
    try grow(81...140)
    try run.upstream.sendChunk("data: [DONE]\n\n")
    let rest = try late.readToEnd()
    #expect(rest.components(of: "\(text)\nid: ") == 140 && rest.contains("data: [DONE]\n"))
    run.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a run belongs to who began it`(workers: Int) throws {
    let run = try begin(fields: "Authorization: Bearer one\r\n", workers: workers)
    try send(1...2, run)
    for fields in ["", "Authorization: Bearer two\r\n"] {
      for client in [
        try run.gateway.get(fields: "Last-Event-ID: \(run.id).1\r\n\(fields)"),
        try request(run, "GET /_sluice/runs/\(run.id)", fields: fields),
        try request(run, "DELETE /_sluice/runs/\(run.id)", fields: fields),
      ] {
        let answer = try client.read(through: "}\n")
        #expect(answer.hasPrefix("HTTP/1.1 403 ") && !answer.contains("data:"))
      }
    }
    let own = try run.gateway.get(fields: "Last-Event-ID: \(run.id).1\r\nAuthorization: Bearer one\r\n")
    #expect(events(try own.read(through: "data: 2\n")) == ["2"])
    run.gateway.stop()
  }

  @Test(arguments: [1, 4])
  func `a stop ends the run for every reader and closes the orchestrator's request, as often as it is said`(
    workers: Int
  ) throws {
    let run = try begin(workers: workers)
    try send(1...2, run)
    let second = try request(run, "GET /_sluice/runs/\(run.id)")
    _ = try second.read(through: "data: 2\n")
    for _ in 0..<2 {
      let stop = try request(run, "DELETE /_sluice/runs/\(run.id)")
      #expect(try stop.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204 "))
    }
    for reader in [run.first, second] {
      let rest = try reader.read(through: "0\r\n\r\n")
      #expect(rest.components(of: #""reason":"stopped""#) == 1)
    }
    try run.upstream.waitForEnd()
    run.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a key joins one run, before its first id has reached anybody`(workers: Int) throws {
    let run = try begin(fields: "Idempotency-Key: k1\r\n", workers: workers)
    let again = try run.gateway.get(fields: "Idempotency-Key: k1\r\n")
    let byQuery = try run.gateway.get("message=hi&run=k1")
    try send(1...2, run)
    for reader in [again, byQuery] { #expect(events(try reader.read(through: "data: 2\n")) == ["1", "2"]) }
    let other = try run.gateway.get("message=other", fields: "Idempotency-Key: k1\r\n")
    #expect(try other.read(through: "}\n").hasPrefix("HTTP/1.1 409 "))
    #expect(run.orchestrator.isUntouched)
    // Another principal's key of the same name is another key.
    let stranger = try run.gateway.get(fields: "Idempotency-Key: k1\r\nAuthorization: x\r\n")
    _ = try run.orchestrator.accept().readRequest()
    _ = stranger
    run.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a run nobody watches ends as the route says`(workers: Int) throws {
    let cancelled = try begin(onAbandoned: .cancel, workers: workers)
    cancelled.first.reset()
    try cancelled.upstream.waitForEnd()
    cancelled.gateway.stop()

    let lingering = try begin(onAbandoned: .linger(.milliseconds(100)), workers: workers)
    try send(1...1, lingering)
    lingering.first.reset()
    try lingering.upstream.waitForEnd()
    let late = try lingering.gateway.get(fields: "Last-Event-ID: \(lingering.id).1\r\n")
    #expect(try late.read(through: "0\r\n\r\n").contains(#""reason":"abandoned""#))
    lingering.gateway.stop()

    let detached = try begin(onAbandoned: .detach, workers: workers)
    detached.first.reset()
    #expect(detached.gateway.log.wait(for: "request").values["reason"]?.hasPrefix("client_") == true)
    try detached.upstream.sendChunk("data: 1\n\ndata: [DONE]\n\n")
    let reader = try request(detached, "GET /_sluice/runs/\(detached.id)")
    #expect(events(try reader.read(through: "0\r\n\r\n")) == ["1", "[DONE]"])
    detached.gateway.stop()
  }

  @Test func `finished runs are forgotten after streams.keep_finished, and sooner when streams.budget is full`() throws
  {
    var streams = StreamSettings.default
    streams.keepFinished = .zero
    let brief = try begin(streams)
    try brief.upstream.sendChunk("data: [DONE]\n\n")
    _ = try brief.first.read(through: "0\r\n\r\n")
    var isGone = false
    for _ in 0..<1000 where !isGone {
      let reader = try brief.gateway.get(fields: "Last-Event-ID: \(brief.id).0\r\n")
      isGone = try reader.read(through: "\n\n").contains("\(brief.id).end")
    }
    #expect(isGone)
    brief.gateway.stop()

    streams.keepFinished = .seconds(600)
    streams.budgetBytes = 16 * 1024
    let first = try begin(streams)
    try first.upstream.sendChunk("data: [DONE]\n\n")
    _ = try first.first.read(through: "0\r\n\r\n")
    // The second run's log alone is as large as the budget.
    let second = try first.gateway.get("message=2")
    let upstream = try first.orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: \(String(repeating: "x", count: 16_000))\n\n")
    _ = try second.read(through: "x\n")
    let gone = try first.gateway.get(fields: "Last-Event-ID: \(first.id).0\r\n")
    #expect(try gone.read(through: "\n\n").contains("\(first.id).end"))
    first.gateway.stop()
  }
}
