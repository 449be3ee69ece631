import Bytes
import Wire

/// The limits of the samples unless a test is about limits.
let roomy = HeadLimits(headBytes: 16_384, targetBytes: 8_192)

/// What reading a request head led to, in a form that compares.
enum HeadOutcome: Equatable {
  case head(HeadSummary, consumed: Int)
  case incomplete
  case refused(HTTPViolation)
}

/// Everything a request head says.
struct HeadSummary: Equatable {
  var method: Wire.Method
  var path: String
  var query: String
  var hasQuery: Bool
  var version: HTTPVersion
  var authority: String
  var host: String
  var fields: [String]
  var framing: BodyFraming

  init(_ head: RequestHead) throws(HTTPViolation) {
    method = head.method
    path = String(decoding: head.path, as: UTF8.self)
    query = String(decoding: head.query, as: UTF8.self)
    hasQuery = head.hasQuery
    version = head.version
    authority = head.authority
    host = head.host
    fields = head.fields.lines
    framing = try head.bodyFraming()
  }
}

extension FieldSection {
  /// Every field as a line of text.
  var lines: [String] {
    (0..<count).map { index in
      let name = String(decoding: bytes[self[index].nameRange], as: UTF8.self)
      return "\(name): \(String(decoding: bytes[self[index].valueRange], as: UTF8.self))"
    }
  }
}

/// Reads a request head that arrives in pieces which end at the given counts of bytes, and last in full.
func readRequest(_ bytes: [UInt8], endingAt ends: [Int] = [], limits: HeadLimits = roomy) -> HeadOutcome {
  var parser = RequestHeadParser(limits: limits)
  for end in ends + [bytes.count] {
    do throws(HTTPViolation) {
      guard let (head, consumed) = try parser.parse(bytes.span.extracting(..<end)) else { continue }
      return .head(try HeadSummary(head), consumed: consumed)
    } catch {
      return .refused(error)
    }
  }
  return .incomplete
}

/// The head that a text is, where it is one.
func requestHead(_ text: String, limits: HeadLimits = roomy) throws -> RequestHead? {
  var parser = RequestHeadParser(limits: limits)
  return try parser.parse(Array(text.utf8).span)?.head
}

extension [UInt8] {
  /// These bytes as text.
  var text: String { String(decoding: self, as: UTF8.self) }
}
