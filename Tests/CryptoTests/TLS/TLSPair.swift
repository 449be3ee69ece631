import Crypto
import Glibc
import Reactor
import Support
import Testing

/// A server's and a client's session on the two ends of a socket pair.
final class TLSPair {
  let server: TLSSession
  let client: TLSSession
  private let descriptors: [Int32]
  private var memory = [UInt8](repeating: 0, count: 32_768)

  // How many bytes the kernel keeps on each way is `buffer`, as far as it lets itself be told.
  init(_ server: TLSServer, _ client: TLSClient, host: String = "a.example", buffer: Int32? = nil) throws {
    var pair: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
    descriptors = pair
    self.server = try #require(server.makeSession())
    self.client = try #require(client.makeSession(for: host, isAddress: host.first?.isNumber == true))
    if var size = buffer {
      for end in pair { setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
    }
    self.server.begin(on: pair[0])
    self.client.begin(on: pair[1])
  }

  deinit { for end in descriptors { close(end) } }

  /// Goes on with both handshakes until neither does.
  ///
  /// - Returns: how each has ended.
  func shakeHands() -> (server: LayerStep, client: LayerStep) {
    var steps = (server: LayerStep.awaitsRead, client: LayerStep.awaitsRead)
    for _ in 0..<20 {
      if steps.client == .awaitsRead { steps.client = client.handshake() }
      if steps.server == .awaitsRead { steps.server = server.handshake() }
    }
    return steps
  }

  /// What one read of a side gives.
  func read(_ side: TLSSession) -> (step: LayerStep, bytes: [UInt8]) {
    let step = memory.withUnsafeMutableBytes { side.read(into: $0) }
    guard case .done(let count) = step else { return (step, []) }
    return (step, Array(memory[..<count]))
  }

  /// Writes once.
  func write(_ bytes: [UInt8], _ side: TLSSession) -> LayerStep {
    bytes.withUnsafeBytes { side.write($0) }
  }

  /// Writes bytes beside TLS, as a broken peer would.
  func writeRaw(_ text: String) {
    _ = Glibc.write(descriptors[1], text, text.utf8.count)
  }
}

extension TLSCertificate {
  convenience init(_ issued: TestAuthority.Issued) throws {
    try self.init(certificate: Array(issued.certificate.utf8).span, key: Array(issued.key.utf8).span)
  }
}

extension TLSAuthorities {
  convenience init(_ authority: TestAuthority) throws { try self.init(Array(authority.pem.utf8).span) }
}
