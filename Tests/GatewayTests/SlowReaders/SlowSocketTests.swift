import Gateway
import Glibc
import Reactor
import Settings
import Testing
import Wire

/// Slow readers over real sockets, beside others that read.
@Suite(.timeLimit(.minutes(3))) struct SlowSocketTests {
  private static func chunk(_ number: Int) -> String {
    #"{"event":"response_chunk","delta":"\#(number) "}"#
  }

  /// A gateway whose route treats slow readers so, with a listener for its figures.
  private func gateway(
    _ orchestrator: TestOrchestrator, _ slowReaders: SlowReaders, backpressure: Bool = false,
    upstream: ((UpstreamSettings) -> UpstreamSettings)? = nil
  ) throws -> TestGateway {
    var streams = StreamSettings.default
    streams.clientBufferBytes = 64 * 1024
    streams.eventSizeBytes = 16 * 1024
    streams.log = LogBoundsSettings(bytes: 16 * 1024 * 1024, events: 1_000_000, age: .seconds(600))
    return try TestGateway(
      upstream: [orchestrator.port], streams: streams, upstreamSettings: upstream, onAbandoned: .detach
    ) { settings in
      var figures = ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 0))
      figures.isAdmin = true
      settings.listen.append(figures)
      settings.routes[0].slowReaders = slowReaders
      settings.routes[0].backpressure = backpressure
      // What the kernel holds is no part of what is tested.
      settings.clients.unsentSizeBytes = 4096
    }
  }

  private func figure(_ name: String, of gateway: TestGateway) throws -> Int {
    let client = try TestSocket(port: gateway.gateway.addresses[1].port)
    try client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    let line = try client.readToEnd().split(separator: "\n").first { $0.hasPrefix("\(name) ") }
    return line.flatMap { Int($0.dropFirst(name.utf8.count + 1)) } ?? -1
  }

  private func slowClient(
    of gateway: TestGateway, _ target: String = "\(TestGateway.path)?message=hi"
  ) throws -> TestSocket {
    let client = try TestSocket(port: gateway.port, receiveBuffer: 4096)
    try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client
  }

  /// What a client got, as events.
  private func events(_ answer: String) throws -> [StreamEvent] {
    let bytes = Array(answer.utf8)
    let head = try #require(answer.utf8.firstRange(of: "\r\n\r\n".utf8))
    var body = BodyDecoder(framing: .chunked)
    var (offset, payload) = (answer.utf8.distance(from: answer.startIndex, to: head.upperBound), [UInt8]())
    while case .payload(let range) = try body.next(in: bytes.span, at: &offset) { payload += bytes[range] }
    var decoder = SSEDecoder(maxEventBytes: 1 << 24)
    var (events, position) = ([StreamEvent](), 0)
    while try decoder.next(in: payload.span, at: &position) { events.append(decoder.event) }
    return events
  }

  private func text(_ events: [StreamEvent]) -> String {
    events.reduce(into: "") { text, event in
      let value = try? JSONValue(parsing: event.data.span, maxDepth: 2).object
      text += String(decoding: value?["delta"]?.string ?? [], as: UTF8.self)
    }
  }

  @Test(arguments: [SlowReaders.skip, .coalesce(CoalescingSettings(text: JSONPath("delta")))])
  func `one that pauses is served as its route says, and the others get every byte`(_ slowReaders: SlowReaders) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, slowReaders)
    let slow = try slowClient(of: gateway)
    let head = try slow.read(through: "\r\n\r\n")
    let run = try #require(head.split(separator: "\r\n").first { $0.hasPrefix("Sluice-Run: ") }).dropFirst(12)
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    let clients = try (0..<9).map { _ in
      let client = try gateway.connect()
      try client.send("GET /_sluice/runs/\(run) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      return client
    }
    var answers = Array(repeating: "", count: clients.count)
    let count = 20_000
    let isCoalescing = slowReaders != .skip
    var sent = 0
    while sent < count {
      var batch = ""
      for number in sent..<min(count, sent + 100) {
        if number == count / 2 { batch += "event: agent_execution_started\ndata: x\n\n" }
        batch += "data: \(Self.chunk(number))\n\n"
      }
      try upstream.sendChunk(batch)
      sent += 100
      // They keep up with it.
      for (index, client) in clients.enumerated() { answers[index] += try client.read(through: Self.chunk(sent - 1)) }
    }
    while try figure("sluice_slow_readers_total{policy=\"\(isCoalescing ? "coalesce" : "skip")\"}", of: gateway) < 1 {}
    try upstream.sendChunk("event: completed\ndata: done\n\n")
    for (index, client) in clients.enumerated() { answers[index] += try client.read(through: "\r\n0\r\n\r\n") }
    let others = try answers.map(events)
    let expected = (0..<count).map { "\($0) " }.joined()
    for other in others {
      #expect(other.count == count + 2 && other == others[0])
    }
    #expect(text(others[0]) == expected)
    let own = try events(head + slow.read(through: "\r\n0\r\n\r\n"))
    #expect(own.last == others[0].last)
    if isCoalescing {
      #expect(text(own) == expected && own.count < count / 2)
      #expect(own.count { $0.type == Array("agent_execution_started".utf8) } == 1)
      #expect(try figure("sluice_events_merged_total", of: gateway) >= count + 2 - own.count)
    } else {
      #expect(own.contains { $0.type == Array("sluice.gap".utf8) })
      let skipped = try figure("sluice_events_skipped_total", of: gateway)
      #expect(skipped > 0 && own.count { $0.type != Array("sluice.gap".utf8) } == count + 2 - skipped)
    }
    gateway.stop()
  }

  // MARK: - Backpressure

  /// Sends events until the gateway takes no more and says that it holds its upstream.
  private func fill(_ upstream: TestSocket, from first: Int = 0, of gateway: TestGateway) throws -> Int {
    var (number, rest) = (first, [UInt8]())
    while true {
      if rest.isEmpty {
        let event = "data: \(number) \(String(repeating: "x", count: 10_000))\n\n"
        rest = Array("\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n".utf8)
        number += 1
      }
      let count = Glibc.send(upstream.descriptor, rest, rest.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      if count > 0 {
        rest.removeFirst(count)
      } else {
        try #require(errno == EAGAIN)
        if try figure("sluice_upstreams_held", of: gateway) == 1 { break }
      }
    }
    // What is left of the event goes as soon as there is room.
    pending = rest
    return number
  }

  private final class Pending {
    var bytes: [UInt8] = []
  }

  private let box = Pending()
  private var pending: [UInt8] {
    get { box.bytes }
    nonmutating set { box.bytes = newValue }
  }

  @Test func `a run waits for its only reader, and no time runs for its orchestrator`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, .disconnect, backpressure: true) { settings in
      var settings = settings
      settings.idleTimeout = .milliseconds(300)
      return settings
    }
    let client = try slowClient(of: gateway)
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    let count = try fill(upstream, of: gateway)
    // Another run ends because its orchestrator pauses; this one's may.
    let idle = try gateway.get()
    let other = try orchestrator.accept()
    _ = try other.readRequest()
    try other.send(TestSocket.eventStream)
    #expect(try idle.read(through: "\r\n0\r\n\r\n").contains("upstream_timeout"))
    #expect(try figure("sluice_upstreams_held", of: gateway) == 1)
    #expect(try figure("sluice_slow_readers_total{policy=\"backpressure\"}", of: gateway) == 1)
    let bytes = pending
    let thread = try Reactor.Thread("orchestrator") {
      try? upstream.send(bytes)
      try? upstream.sendChunk("event: completed\ndata: done\n\n")
      try? upstream.sendLastChunk()
    }
    let own = try events(client.read(through: "\r\n0\r\n\r\n"))
    thread.join()
    #expect(own.count == count + 1)
    for (number, event) in own.dropLast().enumerated() {
      #expect(event.data.starts(with: Array("\(number) x".utf8)) && event.data.count > 10_000)
    }
    #expect(try figure("sluice_upstreams_held", of: gateway) == 0)
    #expect(gateway.log.wait(for: "request", number: 2).values["reason"] == "completed")
    gateway.stop()
  }

  @Test func `who joins is not delayed by the reader that a run waited for`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, .disconnect, backpressure: true)
    let slow = try slowClient(of: gateway)
    let head = try slow.read(through: "\r\n\r\n")
    let run = try #require(head.split(separator: "\r\n").first { $0.hasPrefix("Sluice-Run: ") }).dropFirst(12)
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    let count = try fill(upstream, of: gateway)
    let client = try gateway.connect()
    try client.send("GET /_sluice/runs/\(run) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let bytes = pending
    let thread = try Reactor.Thread("orchestrator") {
      try? upstream.send(bytes)
      for _ in 0..<100 { try? upstream.sendChunk("data: \(String(repeating: "y", count: 10_000))\n\n") }
      try? upstream.sendChunk("event: completed\ndata: done\n\n")
    }
    #expect(try events(client.read(through: "\r\n0\r\n\r\n")).count == count + 101)
    thread.join()
    #expect(try figure("sluice_upstreams_held", of: gateway) == 0)
    #expect(gateway.log.wait(for: "request").values["reason"] == "slow_reader")
    gateway.stop()
  }

  @Test(arguments: [false, true]) func `a held run ends with its reader, or is stopped`(isStopped: Bool) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try gateway(orchestrator, .disconnect, backpressure: true)
    let slow = try slowClient(of: gateway)
    let head = try slow.read(through: "\r\n\r\n")
    let run = try #require(head.split(separator: "\r\n").first { $0.hasPrefix("Sluice-Run: ") }).dropFirst(12)
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    _ = try fill(upstream, of: gateway)
    if isStopped {
      let client = try gateway.connect()
      try client.send("DELETE /_sluice/runs/\(run) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204"))
      try upstream.waitForEnd()
    } else {
      // Detached, it goes on without anybody.
      slow.reset()
      try upstream.send(pending)
      try upstream.sendChunk("event: completed\ndata: done\n\n")
      while try figure("sluice_runs_live", of: gateway) > 0 {}
    }
    #expect(try figure("sluice_upstreams_held", of: gateway) == 0)
    gateway.stop()
  }
}
