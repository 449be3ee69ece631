import Glibc
import Support
import Testing

/// An HTTP/2 client over a loopback socket, by prior knowledge.
final class TestHTTP2Client {
  let socket: TestSocket
  let client: HTTP2Client

  init(
    port: UInt16, window: UInt32 = 65_535, opensWindows: Bool = true, receiveBuffer: Int32? = nil
  ) throws {
    socket = try TestSocket(port: port, receiveBuffer: receiveBuffer)
    client = HTTP2Client(window: window, opensWindows: opensWindows)
    try flush()
  }

  /// Asks for a run as an EventSource would.
  func get(_ query: String = "message=hi", fields: [(String, String)] = []) throws -> Int32 {
    defer { try? flush() }
    return client.get("\(TestGateway.path)?\(query)", fields: fields)
  }

  /// Sends what the client has to say.
  func flush() throws { try socket.send(client.takeOutput()) }

  /// Sends bytes that no client has made.
  func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }

  /// Begins a stream with frames that are made by hand; afterwards the client itself can ask for nothing more.
  func begin(_ frames: (UInt32) -> [UInt8]) throws -> Int32 {
    let id = client.request(HTTP2Client.head("POST", "/"), isOpen: true)
    _ = client.takeOutput()
    try send(frames(UInt32(id)))
    return id
  }

  /// Reads on until something has come.
  func wait(until isMet: (HTTP2Client) -> Bool) throws {
    try flush()
    while !isMet(client) {
      try client.receive(try socket.receiveSome())
      try flush()
    }
  }

  /// Reads until an answer is whole or reset.
  @discardableResult
  func answer(of id: Int32) throws -> HTTP2Client.Answer {
    try wait { $0.answers[id]?.isWhole == true || $0.answers[id]?.reset != nil }
    return try #require(client.answers[id])
  }

  /// Reads until an answer's body has a text.
  func wait(for text: String, in id: Int32) throws {
    try wait { $0.answers[id]?.body.contains(text) == true }
  }

  /// Reads to the server's end and tells the code of its GOAWAY.
  func readToEnd() throws -> UInt32? {
    do {
      while true { try client.receive(try socket.receiveSome()) }
    } catch is TestSocket.Closed {}
    return client.goAway?.code
  }
}

extension TestGateway {
  /// A client that speaks HTTP/2.
  func http2(
    window: UInt32 = 65_535, opensWindows: Bool = true, receiveBuffer: Int32? = nil
  ) throws -> TestHTTP2Client {
    try TestHTTP2Client(port: port, window: window, opensWindows: opensWindows, receiveBuffer: receiveBuffer)
  }

  /// Waits until a request's line says why it ended.
  func reason(of number: Int) -> String? { log.wait(for: "request", number: number).values["reason"] }
}
