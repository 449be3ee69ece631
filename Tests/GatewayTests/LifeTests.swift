import Gateway
import Glibc
import Logging
import Reactor
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct LifeTests {
  @Test func `a drain lets a run finish and closes idle connections at once`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let idle = try gateway.connect()
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    gateway.gateway.drain(within: .seconds(60))
    #expect(try idle.readToEnd() == "")
    try upstream.send("HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")
    #expect(try client.readToEnd().contains("data: [DONE]\n"))
    gateway.gateway.waitUntilDrained()
    #expect(throws: TestSocket.Refused.self) { try gateway.connect() }
  }

  @Test func `a drain ends what has not finished in time with an error event`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let client = try gateway.get()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    gateway.gateway.drain(within: .zero)
    #expect(try client.readToEnd().contains(#""reason":"drained"}"#))
    gateway.gateway.waitUntilDrained()
    try upstream.waitForEnd()
  }

  @Test func `a reload holds for what begins after it`() throws {
    let (first, second) = (try TestOrchestrator(), try TestOrchestrator())
    let gateway = try TestGateway(upstream: [first.port])
    let before = try gateway.get()
    let old = try first.accept()
    _ = try old.readRequest()
    try gateway.gateway.reload(settings(second.port))
    // The reload is taken before any request that is sent after it.
    let after = try gateway.get()
    let new = try second.accept()
    _ = try new.readRequest()
    for (upstream, client) in [(old, before), (new, after)] {
      try upstream.send("HTTP/1.1 200 OK\r\n\r\ndata: [DONE]\n\n")
      #expect(try client.read(through: "0\r\n\r\n").contains("[DONE]"))
    }
    gateway.stop()
  }

  private func settings(_ port: UInt16) -> Settings {
    Settings(
      listen: [.ipv4(host: "127.0.0.1", port: 0)],
      upstreams: ["chat": .default(endpoints: [EndpointAddress(host: "localhost", port: port)])],
      routes: [
        RouteSettings(
          host: nil, path: .exact(TestGateway.path),
          action: .run(RunSettings(upstream: "chat", method: "POST", path: "/run", answerAfter: .zero)),
          onAbandoned: .default, credentials: .none, cors: nil)
      ],
      cors: nil, identity: .default, streams: .default, clients: .default, drain: .default, log: .default)
  }

  @Test func `an address in use stops the start and says which`() throws {
    let gateway = try TestGateway(upstream: [1])
    var settings = settings(1)
    settings = Settings(
      listen: [.ipv4(host: "127.0.0.1", port: gateway.port)], upstreams: settings.upstreams, routes: settings.routes,
      cors: nil, identity: .default, streams: settings.streams, clients: settings.clients, drain: settings.drain,
      log: settings.log)
    do throws(StartError) {
      _ = try Gateway(settings, logger: Logger(label: "test"))
      Issue.record("two gateways on one port")
    } catch {
      #expect("\(error)" == "listen: address 127.0.0.1:\(gateway.port): address already in use")
    }
    gateway.stop()
  }

  @Test func `a full log drops lines, counts them, and never waits`() throws {
    var pipes: [Int32] = [0, 0]
    try #require(pipe(&pipes) == 0)
    defer {
      close(pipes[0])
      close(pipes[1])
    }
    let sink = try LogSink(pipes[1])
    let logger = Logger(label: "test") { _ in LineLogHandler(sink, format: .text, level: .info) }
    let text = String(repeating: "x", count: 1000)
    // More than the pipe and the buffer hold; nobody reads yet.
    for _ in 0..<3000 { logger.info("line", metadata: ["text": "\(text)"]) }
    var read: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !String(decoding: read.suffix(400), as: UTF8.self).contains("last") {
      if read.count > 900_000, !read.contains(0x21) { logger.info("last!") }
      let count = Glibc.read(pipes[0], &buffer, buffer.count)
      try #require(count > 0)
      read += buffer[..<count]
    }
    #expect(String(decoding: read, as: UTF8.self).contains("log_lines_dropped count="))
  }
}
