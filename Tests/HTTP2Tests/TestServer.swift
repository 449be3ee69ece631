import Bytes
import HTTP2
import Support

/// A server session in memory that keeps what it is told, and answers as the test says.
final class TestServer: HTTP2SessionOwner {
  let session: HTTP2Session
  var output: [UInt8] = []
  var log: [String] = []
  var bodies: [Int32: [UInt8]] = [:]
  /// What each stream still has to send, and whether it ends then.
  var payloads: [Int32: [UInt8]] = [:]
  var endless: Set<Int32> = []
  var refusal: HTTP2ErrorCode?
  var stops = false
  /// Whether bodies are taken at once.
  var consumes = true
  /// The frames that were begun.
  var frames: [HTTP2Frame] = []

  init(
    streams: Int = 100, windowBytes: Int = 65_535, headBytes: Int = 16_384, continuations: Int = 8
  ) throws(HTTP2SessionError) {
    session = try HTTP2Session(
      HTTP2Session.Bounds(
        streams: streams, windowBytes: windowBytes, headBytes: headBytes, continuations: continuations))
    session.start(for: self)
  }

  func receive(_ bytes: [UInt8]) throws(HTTP2SessionError) { try session.receive(bytes.span) }

  func takeOutput() throws(HTTP2SessionError) -> [UInt8] {
    try session.sendFrames()
    defer { output = [] }
    return output
  }

  /// Lets both sides talk until neither has more to say.
  func talk(to client: HTTP2Client) throws {
    while true {
      let (asked, said) = (client.takeOutput(), try takeOutput())
      if asked.isEmpty, said.isEmpty { return }
      try receive(asked)
      try client.receive(said)
    }
  }

  func answer(_ stream: Int32, _ body: String, isEndless: Bool = false) {
    payloads[stream] = Array(body.utf8)
    if isEndless { endless.insert(stream) }
    var fields = HTTP2FieldList(status: 200)
    fields.append(Array("X-Kind".utf8).span, Array("test".utf8).span)
    session.respond(stream, fields, hasBody: true)
  }

  func frameBegan(_ frame: HTTP2Frame) -> Bool {
    frames.append(frame)
    return !stops
  }

  func requestBegan(_ stream: Int32) -> HTTP2ErrorCode? { refusal }

  func fieldReceived(_ stream: Int32, _ name: Span<UInt8>, _ value: Span<UInt8>, isTrailer: Bool) {
    log.append("\(stream) \(isTrailer ? "trailer" : "field") \(String(name))=\(String(value))")
  }

  func requestReceived(_ stream: Int32, endsStream: Bool) {
    log.append("\(stream) request\(endsStream ? " whole" : "")")
  }

  func bodyReceived(_ stream: Int32, _ bytes: Span<UInt8>) {
    bodies[stream, default: []].append(bytes)
    if consumes { session.consume(bytes.count, of: stream) }
  }

  func bodyEnded(_ stream: Int32) { log.append("\(stream) body") }
  func frameEnded(_ frame: HTTP2Frame) {}
  func frameRefused(_ frame: HTTP2Frame) { log.append("\(frame.stream) refused \(frame.kind)") }
  func framesReady(_ bytes: Span<UInt8>) { output.append(bytes) }

  func payload(of stream: Int32, atMost limit: Int) -> HTTP2Payload {
    let rest = payloads[stream]?.count ?? 0
    if rest == 0, endless.contains(stream) { return .nothing }
    let count = min(rest, limit)
    return .bytes(count, isLast: count == rest && !endless.contains(stream))
  }

  func dataReady(_ stream: Int32, head: Span<UInt8>, count: Int) {
    output.append(head)
    output += payloads[stream]?.prefix(count) ?? []
    payloads[stream]?.removeFirst(count)
  }

  func answerEnded(_ stream: Int32) { log.append("\(stream) answered") }

  func streamClosed(_ stream: Int32, _ code: HTTP2ErrorCode) { log.append("\(stream) closed \(code.rawValue)") }
}
