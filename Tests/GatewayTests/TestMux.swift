import Testing

/// A client of a mux: what it was told, message by message.
///
/// It speaks HTTP/1.0, so that no chunks stand between the bytes of a message.
final class TestMux {
  struct Message: Equatable {
    let stream: Int
    let id: String
    let type: String
    let data: String
  }

  let socket: TestSocket
  let head: String
  private(set) var id = ""
  /// The last event id.
  private(set) var last = ""

  /// Opens a mux, or resumes one.
  init(
    _ gateway: TestGateway, _ targets: [String] = [], fields: String = "", resuming last: String? = nil,
    receiveBuffer: Int32? = nil
  ) throws {
    socket = try TestSocket(port: gateway.port, receiveBuffer: receiveBuffer)
    let query = targets.map { "stream=\(Self.encoded($0))" }.joined(separator: "&")
    let resumption = last.map { "Last-Event-ID: \($0)\r\n" } ?? ""
    try socket.send("GET /_sluice/mux?\(query) HTTP/1.0\r\nHost: localhost\r\n\(fields)\(resumption)\r\n")
    head = try socket.read(through: "\r\n\r\n")
    guard head.hasPrefix("HTTP/1.1 200 ") else { return }
    if let last {
      id = String(last.prefix(26))
    } else {
      // Its place, then its name.
      let first = try next()
      id = try #require(first.data.firstMatch(of: /^\{"mux":"([a-z2-7]{26})"\}$/).map { String($0.1) })
      #expect(first == Message(stream: 0, id: "-", type: "sluice.mux", data: first.data))
    }
  }

  /// The next message.
  func next() throws -> Message {
    while true {
      var lines = try socket.read(through: "\n\n").split(separator: "\n").filter { !$0.hasPrefix(":") }
      guard let id = lines.popLast(), id.hasPrefix("id: ") else { continue }
      last = String(id.dropFirst(4))
      lines.removeAll { $0.hasPrefix("retry: ") }
      guard !lines.isEmpty else { continue }
      try #require(lines.allSatisfy { $0.hasPrefix("data: ") }, "\(lines)")
      let header = lines[0].dropFirst(6).split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      try #require(header.count == 3, "\(lines)")
      return Message(
        stream: try #require(Int(header[0])), id: String(header[1]), type: String(header[2]),
        data: lines.dropFirst().map { $0.dropFirst(6) }.joined(separator: "\n"))
    }
  }

  /// All messages to the first that fits, and this one.
  func read(to isLast: (Message) -> Bool) throws -> [Message] {
    var messages: [Message] = []
    while true {
      messages.append(try next())
      if let message = messages.last, isLast(message) { return messages }
    }
  }

  /// All messages to the end of a stream, of that stream.
  func readStream(_ number: Int) throws -> [Message] {
    try read { $0.stream == number && $0.type == "sluice.closed" }.filter { $0.stream == number }
  }

  static func encoded(_ target: String) -> String {
    target.utf8.reduce(into: "") { text, byte in
      let isPlain = UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
      text += isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}

extension TestGateway {
  /// Sends an order to a mux, and gives status and body of the answer.
  func order(
    _ mux: String, _ body: String, method: String = "POST", fields: String = ""
  ) throws -> (status: String, body: String) {
    let client = try connect()
    try client.send(
      "\(method) /_sluice/mux/\(mux) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(fields)"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    let answer = try client.readToEnd()
    let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
    return (String(answer.dropFirst(9).prefix(3)), parts.count == 2 ? String(parts[1]) : "")
  }
}
