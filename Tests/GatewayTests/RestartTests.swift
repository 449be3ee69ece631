import Gateway
import Glibc
import Logging
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct RestartTests {
  private let orchestrator: TestOrchestrator
  private let directory: TestDirectory

  init() throws {
    orchestrator = try TestOrchestrator()
    directory = try TestDirectory()
  }

  /// One process after the other, each with the same settings.
  private func start(
    _ streams: StreamSettings = .default, routePath: String = TestGateway.path, workers: Int = 1
  ) throws -> TestGateway {
    try TestGateway(
      upstream: [orchestrator.port], streams: streams, onAbandoned: .linger(.seconds(60)),
      stateDirectory: .path(directory.path), routePath: routePath, workers: workers)
  }

  /// A run that goes on: its name, its first reader and its orchestrator's connection.
  private func begin(
    _ gateway: TestGateway, fields: String = "", events: ClosedRange<Int> = 1...3
  ) throws -> (id: String, reader: TestSocket, upstream: TestSocket) {
    let reader = try gateway.get(fields: fields)
    let head = try reader.read(through: "\r\n\r\n")
    let id = try #require(head.firstMatch(of: /Sluice-Run: ([a-z2-7]{26})\r\n/)).1
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    for number in events { try upstream.sendChunk("data: \(number)\n\n") }
    _ = try reader.read(through: "data: \(events.upperBound)\n")
    _ = try reader.read(through: "\n\n\r\n")
    return (String(id), reader, upstream)
  }

  private func data(_ body: String) -> [String] {
    body.replacing("\r\n", with: "\n").split(separator: "\n").filter { $0.hasPrefix("data: ") }.map {
      String($0.dropFirst(6))
    }
  }

  private let drained = #"{"event":"error","source":"gateway","reason":"drained"}"#

  @Test func `readers of a live run are cut, and find its end in the next process`() throws {
    let first = try start()
    let run = try begin(first)
    first.gateway.drain(within: .zero)
    let rest = try run.reader.readToEnd().split { $0.isNewline }
    #expect(rest.count == 2 && rest.last?.wholeMatch(of: /retry: [0-9]{4}/) != nil, "no event, no end: \(rest)")
    #expect(first.log.wait(for: "request").values["reason"] == "drained")
    try run.upstream.waitForEnd()
    run.reader.reset()
    first.gateway.waitUntilDrained()
    #expect(first.log.wait(for: "runs_saved").values["runs"] == "1")
    #expect(directory.names == ["runs-0.state"])

    let second = try start()
    #expect(second.log.wait(for: "runs_restored").values["runs"] == "1")
    #expect(directory.names == [])
    let back = try second.get(fields: "Last-Event-ID: \(run.id).2\r\n")
    let end = try back.read(through: "0\r\n\r\n")
    #expect(data(end) == ["3", drained])
    #expect(end.contains("id: \(run.id).4\n\n"))
    let over = try second.get(fields: "Last-Event-ID: \(run.id).4\r\n")
    #expect(try over.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204 "))
    second.stop()

    // It is kept from process to process for as long as it is joined.
    let third = try start()
    let tab = try third.connect()
    try tab.send("GET /_sluice/runs/\(run.id) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(data(try tab.read(through: "0\r\n\r\n")) == ["1", "2", "3", drained])
    third.stop()
    #expect(orchestrator.isUntouched)
  }

  @Test func `a finished run is what it was: its end, its owner, its key`() throws {
    let first = try start()
    let run = try begin(first, fields: "Authorization: Bearer one\r\nIdempotency-Key: k\r\n")
    try run.upstream.sendChunk("event: completed\ndata: end\n\n")
    _ = try run.reader.read(through: "0\r\n\r\n")
    first.stop()

    let second = try start()
    let own = "Authorization: Bearer one\r\n"
    let back = try second.get(fields: "Last-Event-ID: \(run.id).3\r\n\(own)")
    #expect(data(try back.read(through: "0\r\n\r\n")) == ["end"])
    let again = try second.get(fields: "Idempotency-Key: k\r\n\(own)")
    let all = try again.read(through: "0\r\n\r\n")
    #expect(data(all) == ["1", "2", "3", "end"] && all.contains("Sluice-Run: \(run.id)\r\n"))
    let other = try second.get("message=other", fields: "Idempotency-Key: k\r\n\(own)")
    #expect(try other.read(through: "}\n").hasPrefix("HTTP/1.1 409 "))
    for fields in ["", "Authorization: Bearer two\r\n"] {
      let stranger = try second.get(fields: "Last-Event-ID: \(run.id).1\r\n\(fields)")
      #expect(try stranger.read(through: "}\n").hasPrefix("HTTP/1.1 403 "))
    }
    #expect(orchestrator.isUntouched)
    // Somebody else's key of the same name is another one.
    _ = try second.get(fields: "Idempotency-Key: k\r\nAuthorization: Bearer two\r\n").read(through: "\n\n")
    _ = try orchestrator.accept().readRequest()
    second.stop()
  }

  @Test func `a run whose oldest events are gone has the same sequences afterwards`() throws {
    var streams = StreamSettings.default
    streams.log.events = 3
    let first = try start(streams)
    let run = try begin(first, events: 1...9)
    first.gateway.drain(within: .zero)
    run.reader.reset()
    first.gateway.waitUntilDrained()
    let second = try start(streams)
    let late = try second.get(fields: "Last-Event-ID: \(run.id).2\r\n")
    let caughtUp = try late.read(through: "0\r\n\r\n")
    #expect(data(caughtUp) == ["{\"from\":3,\"to\":7}", "8", "9", drained])
    #expect(caughtUp.contains("id: \(run.id).8\n\n") && caughtUp.contains("id: \(run.id).10\n\n"))
    second.stop()
  }

  @Test(arguments: [(1, 4), (4, 1), (4, 3), (3, 4)])
  func `runs are found whatever the number of workers was before`(before: Int, after: Int) throws {
    let first = try start(workers: before)
    var (ids, upstreams) = ([String](), [TestSocket]())
    for number in 1...8 {
      let run = try begin(first, fields: "Idempotency-Key: \(number)\r\n")
      if number % 2 == 0 { try run.upstream.sendChunk("data: [DONE]\n\n") }
      ids.append(run.id)
      upstreams.append(run.upstream)
      if number % 2 == 0 { _ = try run.reader.read(through: "0\r\n\r\n") } else { run.reader.reset() }
    }
    first.stop()
    for upstream in upstreams { try upstream.waitForEnd() }
    let second = try start(workers: after)
    for (place, id) in ids.enumerated() {
      let end = place % 2 == 0 ? drained : "[DONE]"
      let back = try second.get(fields: "Last-Event-ID: \(id).1\r\n")
      let rest = data(try back.read(through: "0\r\n\r\n"))
      #expect(rest == ["2", "3", end])
      let again = try second.get(fields: "Idempotency-Key: \(place + 1)\r\n")
      let all = data(try again.read(through: "0\r\n\r\n"))
      #expect(all == ["1", "2", "3", end])
    }
    #expect(orchestrator.isUntouched)
    second.stop()
    let saved = (1...after).map { second.log.wait(for: "runs_saved", number: $0).values["runs"] ?? "" }
    #expect(saved.compactMap { Int($0) }.reduce(0, +) == 8)
  }

  @Test func `a run that nobody watches has its time to finish, and is found whole`() throws {
    let first = try start()
    let run = try begin(first)
    run.reader.reset()
    _ = first.log.wait(for: "request")
    first.gateway.drain(within: .seconds(60))
    try run.upstream.sendChunk("data: 4\n\ndata: [DONE]\n\n")
    first.gateway.waitUntilDrained()
    let second = try start()
    let back = try second.get(fields: "Last-Event-ID: \(run.id).3\r\n")
    #expect(data(try back.read(through: "0\r\n\r\n")) == ["4", "[DONE]"])
    second.stop()
    #expect(orchestrator.isUntouched)
  }

  @Test func `a run of a route that is no more is not known, and the others are`() throws {
    let first = try start()
    let run = try begin(first)
    first.gateway.drain(within: .zero)
    run.reader.reset()
    first.gateway.waitUntilDrained()
    let second = try start(routePath: "/elsewhere")
    let line = second.log.wait(for: "runs_restored")
    #expect(line.values["runs"] == "0" && line.values["without_route"] == "1")
    let client = try second.connect()
    try client.send("GET /_sluice/runs/\(run.id) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try client.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
    second.stop()
  }

  @Test func `of a damaged file the whole runs are taken, and the log says so`() throws {
    let first = try start()
    var ids: [String] = []
    for number in 1...3 {
      let run = try begin(first, fields: "Idempotency-Key: \(number)\r\n")
      try run.upstream.sendChunk("data: [DONE]\n\n")
      _ = try run.reader.read(through: "0\r\n\r\n")
      ids.append(run.id)
    }
    first.stop()
    let bytes = try directory.bytes("runs-0.state")
    try directory.write(Array(bytes.dropLast(5)), to: "runs-0.state")
    let second = try start()
    #expect(second.log.wait(for: "state_damaged").values["runs"] == "2")
    // The newest stand first: the oldest is what is lost.
    for (id, status) in zip(ids, ["404", "200", "200"]) {
      let client = try second.connect()
      try client.send("GET /_sluice/runs/\(id) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 \(status) "))
    }
    second.stop()
  }

  @Test func `where there is no such directory the gateway doesn't start, and takes no port`() throws {
    let path = "\(directory.path)/nowhere"
    do {
      _ = try TestGateway(upstream: [1], stateDirectory: .path(path))
      Issue.record("it has started")
    } catch let error as StartError {
      #expect(
        "\(error)" == "state_directory: given \"\(path)\", which is no directory to write to: no such file or directory"
      )
    }
  }
}
