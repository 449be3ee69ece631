// Fuzzes what an HTTP/2 client sends, behind a preface that is right: frames, header blocks, and the heads made of them.
// The first byte of an input says where the bytes are cut.
//
// Whatever comes in, what is understood may not depend on the cuts, every head that is accepted has to be one that
// HTTP/1 could say, and a session that has ended has to say why.

import Bytes
import HTTP2
import Wire

/// A connection that answers every request at once, and keeps what it was told in a form that compares.
final class Listener: HTTP2SessionOwner {
  var session: HTTP2Session?
  var told: [String] = []
  private var head: HTTP2RequestHead?
  private var bodyCounts: [Int32: Int] = [:]

  func frameBegan(_ frame: HTTP2Frame) -> Bool {
    told.append("frame \(frame.kind) \(frame.stream) \(frame.length) \(frame.flags)")
    return true
  }

  func requestBegan(_ stream: Int32) -> HTTP2ErrorCode? {
    head = HTTP2RequestHead(limits: HeadLimits(headBytes: 2048, targetBytes: 512, fields: 20))
    return stream % 16 == 15 ? .refusedStream : nil
  }

  func fieldReceived(_ stream: Int32, _ name: Span<UInt8>, _ value: Span<UInt8>, isTrailer: Bool) {
    if !isTrailer { head?.append(name, value) }
  }

  func requestReceived(_ stream: Int32, endsStream: Bool) {
    guard var head else { preconditionFailure("a head that ends has begun") }
    self.head = nil
    do throws(HTTPViolation) {
      let request = try head.finish()
      told.append("\(stream) \(request.method.name) \(request.authority) \(String(request.path.span))")
      Self.checkSayable(request)
      session?.respond(stream, HTTP2FieldList(status: 200), hasBody: true)
    } catch {
      precondition((400..<600).contains(error.status) && !error.reason.isEmpty, "a refusal can be told")
      told.append("\(stream) \(error)")
      session?.respond(stream, HTTP2FieldList(status: error.status), hasBody: false)
    }
  }

  /// Whether the same head, written as HTTP/1, is read as the same.
  private static func checkSayable(_ head: RequestHead) {
    let target = head.path + (head.hasQuery ? [0x3F] + head.query : [])
    guard let framing = try? head.bodyFraming() else { preconditionFailure("an accepted head has its framing") }
    var fields = FieldSection()
    if head.fields.first(.host) == nil { fields.append("Host", head.authority) }
    for index in 0..<head.fields.count { fields.append(head.fields[index], of: head.fields) }
    var output: [UInt8] = []
    HTTP1Encoder.appendRequest(method: head.method, target: target.span, fields: fields, framing: framing, to: &output)
    var parser = RequestHeadParser(limits: HeadLimits(headBytes: 1 << 20, targetBytes: 1 << 20, fields: 1000))
    guard let again = try? parser.parse(output.span) else { preconditionFailure("what was accepted can be said") }
    precondition(again.consumed == output.count, "a head is written in full and nothing after it")
    precondition(again.head.method == head.method && again.head.path == head.path, "method and path survive")
    precondition(again.head.authority == head.authority, "the authority survives")
  }

  func bodyReceived(_ stream: Int32, _ bytes: Span<UInt8>) {
    bodyCounts[stream, default: 0] += bytes.count
    session?.consume(bytes.count, of: stream)
  }

  func bodyEnded(_ stream: Int32) { told.append("\(stream) body \(bodyCounts[stream, default: 0])") }
  func frameEnded(_ frame: HTTP2Frame) {}
  func frameRefused(_ frame: HTTP2Frame) {}
  func framesReady(_ bytes: Span<UInt8>) {}
  func payload(of stream: Int32, atMost limit: Int) -> HTTP2Payload { .bytes(min(limit, 3), isLast: true) }
  func dataReady(_ stream: Int32, head: Span<UInt8>, count: Int) {
    precondition(head.count == HTTP2Frame.headBytes && count <= 3, "a frame holds what was promised")
  }
  func answerEnded(_ stream: Int32) {}
  func streamClosed(_ stream: Int32, _ code: HTTP2ErrorCode) { told.append("\(stream) closed \(code.rawValue)") }
}

func read(_ bytes: [UInt8], ends: [Int]) -> [String] {
  let listener = Listener()
  let bounds = HTTP2Session.Bounds(streams: 10, windowBytes: 65_536, headBytes: 2048, continuations: 2)
  guard let session = try? HTTP2Session(bounds) else { return [] }
  listener.session = session
  session.start(for: listener)
  defer {
    session.end()
    listener.session = nil
  }
  do throws(HTTP2SessionError) {
    var begin = 0
    for end in ends where end > begin {
      try session.receive(bytes.span.extracting(begin..<end))
      begin = end
    }
  } catch {
    listener.told.append("\(error)")
  }
  let understood = listener.told
  // What goes out depends on when it may; it only has to come to an end.
  do throws(HTTP2SessionError) { try session.sendFrames() } catch {}
  return understood
}

/// What the fuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP2(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0] + input.dropFirst()
  let whole = read(bytes, ends: [bytes.count])
  let cut = min(Int(first), bytes.count)
  precondition(read(bytes, ends: [cut, bytes.count]) == whole, "one cut changes nothing")
  if bytes.count < 256 { precondition(read(bytes, ends: Array(1...bytes.count)) == whole, "no cut changes anything") }
  return 0
}
