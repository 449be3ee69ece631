internal import Bytes

/// Queries as application/x-www-form-urlencoded (WHATWG URL §5.1), and as JSON.
public enum QueryObject {
  /// Appends a flat JSON object of the parameters: names in the order of their first appearance, every value a string,
  /// the values of a repeated name an array of strings.
  ///
  /// - Parameters:
  ///   - query: the query without the question mark.
  ///   - excluding: names that are left out.
  ///   - maxParameters: the most parameters, those left out included.
  ///   - output: where to; as before where this throws.
  /// - Throws: `HTTPViolation.tooManyParameters`; answer with its status.
  public static func append(
    jsonOf query: Span<UInt8>, excluding: [String], maxParameters: Int, to output: inout [UInt8]
  ) throws(HTTPViolation) {
    let members = try members(of: query, maxParameters: maxParameters)
    output.append(UInt8(ascii: "{"))
    var isFirst = true
    for member in members where !excluding.contains(where: { $0.utf8.elementsEqual(member.name) }) {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      JSONScanner.append(quoted: member.name.span, to: &output)
      output.append(UInt8(ascii: ":"))
      append(member.values, to: &output)
    }
    output.append(UInt8(ascii: "}"))
  }

  /// The decoded value of the first parameter of this name, `nil` where there is none.
  public static func value(of name: String, in query: Span<UInt8>) -> String? {
    var parameters = FormParameters()
    while let parameter = parameters.next(in: query) {
      if decoded(query.extracting(parameter.name)).elementsEqual(name.utf8) {
        return String(decoded(query.extracting(parameter.value)).span)
      }
    }
    return nil
  }

  /// The decoded values of all parameters of this name, in order; bytes that are no UTF-8 are left as they are.
  public static func values(of name: String, in query: Span<UInt8>) -> [[UInt8]] {
    var values: [[UInt8]] = []
    var parameters = FormParameters()
    while let parameter = parameters.next(in: query) {
      guard decoded(query.extracting(parameter.name)).elementsEqual(name.utf8) else { continue }
      var value: [UInt8] = []
      Percent.append(decoded: query.extracting(parameter.value), plusIsSpace: true, to: &value)
      values.append(value)
    }
    return values
  }

  /// The query without the parameters of this name; what is left stays as it is encoded.
  public static func without(_ name: String, in query: Span<UInt8>) -> [UInt8] {
    var rest: [UInt8] = []
    var parameters = FormParameters()
    while let parameter = parameters.next(in: query) {
      if decoded(query.extracting(parameter.name)).elementsEqual(name.utf8) { continue }
      if !rest.isEmpty { rest.append(UInt8(ascii: "&")) }
      rest.append(query.extracting(parameter.name.lowerBound..<parameter.value.upperBound))
    }
    return rest
  }

  private struct Member {
    let name: [UInt8]
    var values: [[UInt8]]
  }

  private static func members(of query: Span<UInt8>, maxParameters: Int) throws(HTTPViolation) -> [Member] {
    var members: [Member] = []
    var places: [[UInt8]: Int] = [:]
    var parameters = FormParameters()
    var count = 0
    while let parameter = parameters.next(in: query) {
      count += 1
      guard count <= maxParameters else { throw .tooManyParameters(allowed: maxParameters) }
      let name = decoded(query.extracting(parameter.name))
      let value = decoded(query.extracting(parameter.value))
      if let place = places[name] {
        members[place].values.append(value)
      } else {
        places[name] = members.count
        members.append(Member(name: name, values: [value]))
      }
    }
    return members
  }

  private static func decoded(_ text: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    Percent.append(decoded: text, plusIsSpace: true, to: &bytes)
    UTF8Repair.repair(&bytes)
    return bytes
  }

  private static func append(_ values: [[UInt8]], to output: inout [UInt8]) {
    if values.count > 1 { output.append(UInt8(ascii: "[")) }
    var isFirst = true
    for value in values {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      JSONScanner.append(quoted: value.span, to: &output)
    }
    if values.count > 1 { output.append(UInt8(ascii: "]")) }
  }
}

/// The parameters of a query, one after the other, still encoded.
struct FormParameters {
  private var position = 0

  /// The places of the next name and value; empty parameters are passed over.
  mutating func next(in query: Span<UInt8>) -> (name: Range<Int>, value: Range<Int>)? {
    while position < query.count {
      let start = position
      let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
      position = end + 1
      if end == start { continue }
      let equals = query.extracting(..<end).firstIndex(of: UInt8(ascii: "="), from: start)
      return (start..<(equals ?? end), min((equals ?? end) + 1, end)..<end)
    }
    return nil
  }
}
