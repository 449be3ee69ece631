// Fuzzes the front door: request heads and the bodies behind them. The first byte of an input says where the bytes are
// cut and how narrow the limits are; the rest is what a client sends.
//
// Whatever comes in, the outcome may not depend on the cuts, nothing may reach beyond the input, and a head that was
// accepted has to survive being written and read again.

import Bytes
import Wire

/// What a connection led to, in a form that compares.
struct Outcome: Equatable {
  var method = ""
  var target: [UInt8] = []
  var authority = ""
  var fields: [[UInt8]] = []
  var consumed = 0
  var payload: [UInt8] = []
  var rest = 0
  var isComplete = false
  var violation: HTTPViolation?
}

/// The fields as lines, without those that frame the message.
func lines(of fields: FieldSection) -> [[UInt8]] {
  (0..<fields.count).compactMap { index in
    let field = fields[index]
    switch field.name {
    case .contentLength, .transferEncoding, .keepAlive: return nil
    default: return fields.bytes[field.nameRange] + [0x3A] + fields.bytes[field.valueRange]
    }
  }
}

func readHead(_ bytes: [UInt8], ends: [Int], limits: HeadLimits) throws(HTTPViolation) -> (RequestHead, Int)? {
  var parser = RequestHeadParser(limits: limits)
  for end in ends {
    guard let (head, consumed) = try parser.parse(bytes.span.extracting(..<end)) else { continue }
    precondition(consumed <= end && consumed <= limits.headBytes, "a head lies within the input")
    return (head, consumed)
  }
  return nil
}

func readBody(
  _ bytes: [UInt8], from start: Int, ends: [Int], framing: BodyFraming, into outcome: inout Outcome
) throws(HTTPViolation) {
  var decoder = BodyDecoder(framing: framing)
  var begin = start
  for end in ends where end >= start {
    let input = bytes.span.extracting(begin..<end)
    var offset = 0
    steps: while true {
      switch try decoder.next(in: input, at: &offset) {
      case .payload(let range):
        precondition(!range.isEmpty && range.upperBound == offset, "a payload is what was passed")
        outcome.payload.append(input.extracting(range))
      case .needMore:
        precondition(offset == input.count, "all of the input is used")
        break steps
      case .complete:
        outcome.isComplete = true
        outcome.rest = bytes.count - begin - offset
        return
      }
    }
    begin = end
  }
}

func read(_ bytes: [UInt8], ends: [Int], limits: HeadLimits) -> Outcome {
  var outcome = Outcome()
  do throws(HTTPViolation) {
    guard let (head, consumed) = try readHead(bytes, ends: ends, limits: limits) else { return outcome }
    outcome.method = head.method.name
    outcome.target = head.path + (head.hasQuery ? [0x3F] + head.query : [])
    outcome.authority = head.authority
    outcome.fields = lines(of: head.fields)
    outcome.consumed = consumed
    checkRoundTrip(head)
    try readBody(bytes, from: consumed, ends: ends, framing: head.bodyFraming(), into: &outcome)
  } catch {
    outcome.violation = error
    precondition((400..<600).contains(error.status) && !error.reason.isEmpty, "a refusal can be told")
  }
  return outcome
}

func checkRoundTrip(_ head: RequestHead) {
  precondition(head.path.first == UInt8(ascii: "/") || head.path == [UInt8(ascii: "*")], "a path begins with a slash")
  let target = head.path + (head.hasQuery ? [0x3F] + head.query : [])
  var output: [UInt8] = []
  guard head.version == .http11, let framing = try? head.bodyFraming() else { return }
  HTTP1Encoder.appendRequest(
    method: head.method, target: target.span, fields: head.fields, framing: framing, to: &output)
  var parser = RequestHeadParser(limits: HeadLimits(headBytes: 1 << 20, targetBytes: 1 << 20, fields: 1000))
  guard let again = try? parser.parse(output.span) else { preconditionFailure("what was written is a head") }
  precondition(again.consumed == output.count, "a head is written in full and nothing after it")
  precondition(again.head.method == head.method && again.head.path == head.path, "target and method survive")
  precondition(again.head.query == head.query && again.head.hasQuery == head.hasQuery, "the query survives")
  precondition(lines(of: again.head.fields) == lines(of: head.fields), "the fields survive")
  precondition((try? again.head.bodyFraming()) == framing, "the framing survives")
}

/// What the fuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestHead(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let bytes = Array(input.dropFirst())
  let limits =
    first & 0x80 == 0
    ? HeadLimits(headBytes: 16_384, targetBytes: 8192)
    : HeadLimits(headBytes: 64 + Int(first & 0x7F), targetBytes: Int(first & 0x1F), fields: Int(first & 0x7))
  let whole = read(bytes, ends: [bytes.count], limits: limits)
  let cut = min(Int(first), bytes.count)
  precondition(read(bytes, ends: [cut, bytes.count], limits: limits) == whole, "one cut changes nothing")
  if bytes.count < 512 {
    precondition(read(bytes, ends: Array(0...bytes.count), limits: limits) == whole, "no cut changes anything")
  }
  return 0
}
