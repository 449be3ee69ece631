internal import Bytes
internal import Wire

/// What a client orders on an open mux: streams to open and streams to close.
///
/// `{"open": ["/path?query", {"method": "POST", "path": "/path", "body": …, "headers": {…}}], "close": [3]}`
struct MuxOrder {
  private(set) var open: [MuxedRequest] = []
  private(set) var close: [Int] = []

  /// Reads an order.
  ///
  /// - Parameter text: the body of the request.
  /// - Throws: `MuxOrderViolation`; nothing of it is carried out.
  init(parsing text: Span<UInt8>) throws(MuxOrderViolation) {
    do throws(JSONViolation) {
      _ = try JSONValue(parsing: text, maxDepth: 64)
    } catch {
      throw MuxOrderViolation(what: "the body", problem: "\(error)")
    }
    guard let members = JSONScanner.members(of: text) else {
      throw MuxOrderViolation(what: "the body", problem: "is no object with open and close")
    }
    for member in members {
      let (name, value) = (text.extracting(member.name), text.extracting(member.value))
      guard name.equals("open") || name.equals("close") else {
        throw MuxOrderViolation(what: String(name), problem: "is no key here, allowed are open and close")
      }
      guard let items = JSONScanner.items(of: value) else {
        throw MuxOrderViolation(what: String(name), problem: "is no array")
      }
      for item in items {
        if name.equals("open") {
          open.append(try Self.request(value.extracting(item)))
        } else {
          guard let number = Int(String(value.extracting(item))) else {
            throw MuxOrderViolation(what: "close", problem: "holds something that is no number of a stream")
          }
          close.append(number)
        }
      }
    }
  }

  private static func request(_ text: Span<UInt8>) throws(MuxOrderViolation) -> MuxedRequest {
    if let target = string(text) { return MuxedRequest(target: target) }
    guard let members = JSONScanner.members(of: text) else {
      throw MuxOrderViolation(what: "open", problem: "holds something that is neither a target nor an object")
    }
    var request = MuxedRequest(target: [])
    var isText = false
    for member in members {
      let (name, value) = (text.extracting(member.name), text.extracting(member.value))
      if name.equals("method") {
        let method = string(value) ?? []
        guard method.span.equals("GET") || method.span.equals("POST") else {
          throw MuxOrderViolation(what: "open[].method", problem: "is another than GET and POST")
        }
        request.isPost = method.span.equals("POST")
      } else if name.equals("path") {
        request.target = string(value) ?? []
      } else if name.equals("body") {
        isText = string(value) != nil
        request.body = string(value) ?? Array(copying: value)
      } else if name.equals("headers") {
        request.fields = try fields(value)
      } else {
        throw MuxOrderViolation(
          what: "open[].\(String(name))", problem: "is no key here, allowed are method, path, body and headers")
      }
    }
    guard request.isPost || request.body.isEmpty else {
      throw MuxOrderViolation(what: "open[].body", problem: "is only for POST")
    }
    if request.isPost, !isText, !request.fields.contains(where: { $0.name.utf8Equals("content-type") }) {
      request.fields.append(("content-type", Array("application/json".utf8)))
    }
    return request
  }

  private static func fields(_ text: Span<UInt8>) throws(MuxOrderViolation) -> [(name: StaticString, value: [UInt8])] {
    guard let members = JSONScanner.members(of: text) else {
      throw MuxOrderViolation(what: "open[].headers", problem: "is no object")
    }
    var fields: [(name: StaticString, value: [UInt8])] = []
    for member in members {
      let name = text.extracting(member.name)
      guard let known = MuxedRequest.ownFields.first(where: { name.equalsIgnoringCase($0) }) else {
        let allowed = MuxedRequest.ownFields.map { "\($0)" }.joined(separator: ", ")
        throw MuxOrderViolation(what: "open[].headers.\(String(name))", problem: "is none of \(allowed)")
      }
      guard let value = string(text.extracting(member.value)), value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw MuxOrderViolation(what: "open[].headers.\(known)", problem: "is no text without control characters")
      }
      fields.append((known, value))
    }
    return fields
  }

  /// The text of a string; `nil` for another value.
  private static func string(_ text: Span<UInt8>) -> [UInt8]? {
    guard text.count >= 2, text[0] == UInt8(ascii: "\"") else { return nil }
    var bytes: [UInt8] = []
    JSONScanner.append(unescaped: text.extracting(1..<text.count - 1), to: &bytes)
    return bytes
  }
}

/// Why an order is not carried out.
struct MuxOrderViolation: Error, CustomStringConvertible {
  let what: String
  let problem: String

  var description: String { "\(what): \(problem)" }
}

extension StaticString {
  fileprivate func utf8Equals(_ other: StaticString) -> Bool { "\(self)" == "\(other)" }
}

extension [UInt8] {
  fileprivate init(copying span: Span<UInt8>) {
    self = []
    append(span)
  }
}
