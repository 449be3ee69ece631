internal import Bytes
internal import Wire

/// How requests are written: method, fields and body, with their templates.
struct Request: Equatable, Sendable {
  /// A header field.
  struct Field: Equatable, Sendable {
    let name: String
    let value: Template
  }

  /// GET or POST.
  var method: Method
  /// Beside Host and Content-Length, which are written in any case.
  var fields: [Field] = []
  /// Taken in turn by the request's number; empty for none.
  var bodies: [Template] = []

  /// Reads `Name: value`.
  ///
  /// - Throws: `LoadError.usage` for what is no field, and for those that the tester writes itself.
  static func field(_ text: String) throws(LoadError) -> Field {
    let option = OptionReader(option: "--header")
    guard let colon = text.firstIndex(of: ":") else { throw option.refuse(text, allowed: "Name: value") }
    let name = String(text[..<colon])
    let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
    let allowedCharacters = "!#$%&'*+-.^_`|~"
    guard !name.isEmpty,
      name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || allowedCharacters.contains($0)) }),
      value.utf8.allSatisfy({ $0 == 9 || ($0 >= 32 && $0 != 127) })
    else { throw option.refuse(text, allowed: "Name: value, without control characters") }
    let own = ["host": "--domain-template", "content-length": "--body", "last-event-id": "--reconnect"]
    if let instead = own[name.lowercased()] {
      throw option.refuse(text, allowed: "fields that the tester does not write itself; see \(instead)")
    }
    guard !["transfer-encoding", "connection"].contains(name.lowercased()) else {
      throw option.refuse(text, allowed: "fields that the tester does not write itself")
    }
    return Field(name: name, value: Template(String(value)))
  }

  /// Adds what a client of event streams sends, where it was not given.
  mutating func addDefaults() {
    let given = Set(fields.map { $0.name.lowercased() })
    for (name, value) in [("Accept", "text/event-stream"), ("User-Agent", "sluice-load")]
    where !given.contains(name.lowercased()) {
      fields.append(Field(name: name, value: Template(value)))
    }
    if !bodies.isEmpty, !given.contains("content-type") {
      fields.append(Field(name: "Content-Type", value: Template("application/json")))
    }
  }

  /// Writes a request.
  ///
  /// - Parameters:
  ///   - path: path and query.
  ///   - host: the Host field.
  ///   - lastID: what the client has seen last; empty for nothing.
  ///   - values: what the templates are filled in with.
  ///   - scratch: room for the body, whose length stands before it.
  ///   - output: where to.
  func append(
    path: Template, host: [UInt8], lastID: [UInt8], _ values: TemplateValues, scratch: inout [UInt8],
    to output: inout [UInt8]
  ) {
    output.append(method.name)
    output.append(" ")
    path.append(values, to: &output)
    output.append(" HTTP/1.1\r\nHost: ")
    output.append(contentsOf: host)
    for field in fields {
      output.append("\r\n")
      output.append(field.name)
      output.append(": ")
      field.value.append(values, to: &output)
    }
    // A control character could not be sent back; no server of sense gives one.
    if !lastID.isEmpty, lastID.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
      output.append("\r\nLast-Event-ID: ")
      output.append(contentsOf: lastID)
    }
    scratch.removeAll(keepingCapacity: true)
    if !bodies.isEmpty { bodies[(values.request - 1) % bodies.count].append(values, to: &scratch) }
    if method == .post {
      output.append("\r\nContent-Length: ")
      output.append(decimal: UInt64(scratch.count))
    }
    output.append("\r\n\r\n")
    output.append(contentsOf: scratch)
  }
}
