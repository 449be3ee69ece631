import Gateway
import Glibc
import Settings
import Testing

@Suite struct SocketReloadTests {
  /// An option of the gateway's end of a connection, which lives in this process, too.
  private func option(_ name: Int32, ofPeerOf client: TestSocket) throws -> Int32 {
    let port = try #require(Self.port(of: client.descriptor, getsockname))
    let peer = try #require((0..<Int32(8192)).first { Self.port(of: $0, getpeername) == port })
    var value: Int32 = -1
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(peer, Int32(IPPROTO_TCP), name, &value, &size)
    return value
  }

  /// The port at one end of an IPv4 connection; `nil` for a descriptor that is none.
  private static func port(
    of descriptor: Int32, _ end: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> UInt16? {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { end(descriptor, $0, &length) }
    }
    return result == 0 && address.sin_family == sa_family_t(AF_INET) ? address.sin_port : nil
  }

  @Test func `a reload holds for connections from then on`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port])
    let before = try gateway.connect()
    try gateway.settle()
    #expect(try option(TCP_USER_TIMEOUT, ofPeerOf: before) == 65_000)
    #expect(try option(TCP_KEEPIDLE, ofPeerOf: before) == 30)
    #expect(try option(TCP_NOTSENT_LOWAT, ofPeerOf: before) == 65_536)
    let run = RunSettings(upstream: "chat", method: "POST", path: "/run", answerAfter: .zero)
    var settings = Settings(
      listen: [.ipv4(host: "127.0.0.1", port: 0)],
      upstreams: ["chat": .default(endpoints: [EndpointAddress(host: "127.0.0.1", port: orchestrator.port)])],
      routes: [RouteSettings(host: nil, path: .exact("/run"), action: .run(run))])
    settings.clients.sendTimeout = .seconds(20)
    settings.clients.tcpKeepalive = .seconds(90)
    settings.clients.unsentSizeBytes = 10_000
    try gateway.gateway.reload(settings)
    // The listener is changed on the worker's loop, some time after this.
    var after: TestSocket
    repeat {
      after = try gateway.connect()
      try gateway.settle()
    } while try option(TCP_USER_TIMEOUT, ofPeerOf: after) != 25_000
    #expect(try option(TCP_KEEPIDLE, ofPeerOf: after) == 90)
    #expect(try option(TCP_NOTSENT_LOWAT, ofPeerOf: after) == 10_000)
    #expect(try option(TCP_USER_TIMEOUT, ofPeerOf: before) == 65_000)
    gateway.stop()
  }
}
