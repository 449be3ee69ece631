import Gateway
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct PumpTests {
  private func streams(buffer: Int, heartbeat: Duration = .seconds(15)) -> StreamSettings {
    var streams = StreamSettings.default
    streams.clientBufferBytes = buffer
    streams.log.bytes = max(buffer, streams.log.bytes)
    streams.eventSizeBytes = 64 * 1024
    streams.heartbeat = heartbeat
    return streams
  }

  @Test func `a reader beyond streams.client_buffer is disconnected as slow_reader`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], streams: streams(buffer: 128 * 1024))
    let client = try TestSocket(port: gateway.port, receiveBuffer: 4096)
    try client.send("GET \(TestGateway.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    let event = "data: \(String(repeating: "x", count: 50_000))\n\n"
    // Until the gateway ends the request, or what could be lost on the way is long exceeded.
    var sent = 0
    do { while sent < 1000 { try upstream.sendChunk(event); sent += 1 } } catch is TestSocket.Closed {}
    #expect(sent < 1000)
    #expect(gateway.log.wait(for: "request").values["reason"] == "slow_reader")
    gateway.stop()
  }

  @Test func `a client that takes nothing for clients.send_timeout is closed`() throws {
    let orchestrator = try TestOrchestrator()
    let clients = ClientSettings(
      headTimeout: .seconds(10), bodyTimeout: .seconds(10), idleTimeout: .seconds(60), sendTimeout: .milliseconds(300),
      headSizeBytes: 16_384, uriSizeBytes: 8192, bodySizeBytes: 4096)
    let gateway = try TestGateway(
      upstream: [orchestrator.port], streams: streams(buffer: 64 * 1024 * 1024), clients: clients)
    let client = try TestSocket(port: gateway.port, receiveBuffer: 4096)
    try client.send("GET \(TestGateway.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    do {
      for _ in 0..<200 { try upstream.sendChunk("data: \(String(repeating: "x", count: 60_000))\n\n") }
      try upstream.waitForEnd()
    } catch is TestSocket.Closed {}
    #expect(gateway.log.wait(for: "request").values["reason"] == "send_timeout")
    gateway.stop()
  }

  @Test func `a reader that is slow but reads gets every byte`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], streams: streams(buffer: 16 * 1024 * 1024))
    let client = try TestSocket(port: gateway.port, receiveBuffer: 4096)
    try client.send("GET \(TestGateway.path) HTTP/1.0\r\n\r\n")
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    for number in 0..<100 { try upstream.sendChunk("data: \(number) \(String(repeating: "y", count: 60_000))\n\n") }
    try upstream.sendChunk("event: completed\ndata: z\n\n")
    let body = try client.readToEnd()
    for number in 0..<100 { #expect(body.contains("data: \(number) y")) }
    #expect(body.contains("\nevent: completed\ndata: z\nid: "))
    gateway.stop()
  }

  @Test func `a silent stream has heartbeats without a blank line, from accept on`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(
      upstream: [orchestrator.port], streams: streams(buffer: 128 * 1024, heartbeat: .milliseconds(50)))
    let client = try gateway.get()
    _ = try client.read(through: "5\r\n: hb\n\r\n")
    let upstream = try orchestrator.accept()
    _ = try client.read(through: "5\r\n: hb\n\r\n")
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("event: completed\ndata: z\n\n")
    let rest = try client.read(through: "0\r\n\r\n")
    #expect(!rest.contains(": hb\n\n"))
    gateway.stop()
  }
}
