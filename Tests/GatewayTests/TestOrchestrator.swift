import Glibc
import Reactor
import Testing

/// An orchestrator that a test plays by hand: it accepts, and the test says what is sent.
final class TestOrchestrator: Sendable {
  let port: UInt16
  private let listener: Int32

  // Where it does not listen nobody can connect, and the port is nobody else's.
  init(isListening: Bool = true) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = TestSocket.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, length) | (isListening ? listen(listener, 128) : 0)
          | getsockname(listener, pointer, &length)
      }
    }
    try #require(result == 0)
    port = UInt16(bigEndian: address.sin_port)
    var time = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(listener) }

  /// The next connection of the gateway.
  func accept() throws -> TestSocket {
    var descriptor: Int32 = -1
    repeat { descriptor = Glibc.accept(listener, nil, nil) } while descriptor < 0 && errno == EINTR
    try #require(descriptor >= 0, "the gateway did not connect")
    return TestSocket(descriptor)
  }

  /// Whether no connection waits.
  var isUntouched: Bool {
    var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, 0) == 0
  }
}

extension TestSocket {
  static let eventStream = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"

  /// Reads a request with its body, by Content-Length.
  func readRequest() throws -> (head: String, body: String) {
    let head = try read(through: "\r\n\r\n")
    let length =
      head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
      .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
    var body = ""
    while body.utf8.count < length { body += try read(through: "}") }
    return (head, body)
  }

  /// Text as one chunk.
  static func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

  /// Sends text as one chunk.
  func sendChunk(_ text: String) throws { try send(Self.chunk(text)) }

  func sendLastChunk() throws { try send("0\r\n\r\n") }
}
