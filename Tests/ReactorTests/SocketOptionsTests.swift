import Glibc
import Reactor
import Testing

@testable import Reactor

/// Takes the clients of a listener, and stops its loop after each.
private final class Door: ListenerOwner {
  let loop: Loop
  var clients: [Int32] = []

  init() throws { loop = try Loop() }

  func accepted(_ descriptor: Int32, from peer: SocketAddress, on address: SocketAddress) {
    clients.append(descriptor)
    loop.stop()
  }

  func acceptPaused(_ error: SystemError, on address: SocketAddress) { Issue.record("\(error)") }
  func acceptResumed(on address: SocketAddress) {}
}

/// The other end of a connection.
private final class Peer: SocketOwner {
  func socketReadable() {}
  func socketWritable() {}
}

@Suite struct SocketOptionsTests {
  private static func option(_ name: Int32, of descriptor: Int32, _ level: Int32 = Int32(IPPROTO_TCP)) -> Int32 {
    var value: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, level, name, &value, &length) == 0 ? value : -1
  }

  private func expect(_ options: SocketOptions, of descriptor: Int32) {
    #expect(Self.option(TCP_NODELAY, of: descriptor) != 0)
    #expect(Self.option(SO_KEEPALIVE, of: descriptor, SOL_SOCKET) != 0)
    let idle = Int32(options.keepalive.components.seconds)
    #expect(Self.option(TCP_KEEPIDLE, of: descriptor) == idle)
    #expect(Self.option(TCP_KEEPINTVL, of: descriptor) == max(1, idle / 3))
    #expect(Self.option(TCP_KEEPCNT, of: descriptor) == 3)
    let unacknowledged = options.unacknowledged.map { Int32($0.wholeMilliseconds) } ?? 0
    #expect(Self.option(TCP_USER_TIMEOUT, of: descriptor) == unacknowledged)
    if let unsent = options.unsentBytes { #expect(Self.option(TCP_NOTSENT_LOWAT, of: descriptor) == Int32(unsent)) }
  }

  @Test func `clients have the options of their listener, which a change gives to those that come later`() throws {
    let door = try Door()
    let first = SocketOptions(keepalive: .seconds(40), unacknowledged: .seconds(65), unsentBytes: 8192)
    let second = SocketOptions(keepalive: .seconds(1), unacknowledged: .milliseconds(1500), unsentBytes: 16384)
    let address = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
    let listener = Listener(try ListeningSocket(address, options: first), on: door.loop, for: door)
    let peers = [Peer(), Peer()]
    var sockets: [Socket] = []
    for (peer, options) in zip(peers, [first, second]) {
      listener.change(options)
      let own = SocketOptions(keepalive: .seconds(50))
      let socket = try Socket.connect(to: listener.address, with: own, on: door.loop, for: peer)
      sockets.append(socket)
      expect(own, of: socket.descriptor)
      door.loop.run()
    }
    try #require(door.clients.count == 2)
    expect(first, of: door.clients[0])
    expect(second, of: door.clients[1])
    for socket in sockets { socket.close() }
    for client in door.clients { close(client) }
    listener.close()
  }
}
