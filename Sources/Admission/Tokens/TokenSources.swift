internal import Bytes
public import Wire

/// Where in a request a token may be.
public struct TokenSources: Sendable, Equatable {
  /// Whether `Authorization: Bearer` holds one (RFC 6750 §2.1).
  public var header: Bool
  /// The name of the cookie that does, `nil` for none.
  public var cookie: String?
  /// The name of the query parameter that does (RFC 6750 §2.3), `nil` for none.
  public var query: String?

  /// Puts sources together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - header: whether `Authorization: Bearer` holds a token.
  ///   - cookie: the name of the cookie that does.
  ///   - query: the name of the query parameter that does.
  public init(header: Bool, cookie: String?, query: String?) {
    self.header = header
    self.cookie = cookie
    self.query = query
  }

  /// The token of a request.
  ///
  /// - Parameters:
  ///   - fields: its header fields.
  ///   - query: its query without the question mark.
  /// - Returns: the token's bytes, not looked at yet.
  /// - Throws: `TokenRefusal.missing` where none of the places has one, `.ambiguous` where they have several that differ,
  ///   `.malformed` where `Authorization: Bearer` has nothing behind it.
  public func token(in fields: FieldSection, query: Span<UInt8>) throws(TokenRefusal) -> [UInt8] {
    var finding = Finding()
    if header { try findInHeader(fields, &finding) }
    if let cookie { try findInCookies(fields, Array(cookie.utf8), &finding) }
    if let name = self.query {
      var pieces = QueryPieces()
      while let piece = pieces.next(in: query) {
        if QueryPieces.decoded(query.extracting(piece.name)).elementsEqual(name.utf8) {
          try finding.add(QueryPieces.decoded(query.extracting(piece.value)))
        }
      }
    }
    guard let token = finding.token else { throw .missing }
    return token
  }

  /// A query without the token in it, to be logged and passed on: every parameter of that name is left out.
  ///
  /// - Parameter query: the query without the question mark.
  /// - Returns: the rest as it was.
  public func withoutToken(_ query: Span<UInt8>) -> [UInt8] {
    guard let name = self.query else { return [UInt8](query) }
    var rest: [UInt8] = []
    var pieces = QueryPieces()
    while let piece = pieces.next(in: query) {
      if QueryPieces.decoded(query.extracting(piece.name)).elementsEqual(name.utf8) { continue }
      if !rest.isEmpty { rest.append(UInt8(ascii: "&")) }
      rest.append(query.extracting(piece.name.lowerBound..<piece.value.upperBound))
    }
    return rest
  }
}

/// The one token that was found so far.
private struct Finding {
  private(set) var token: [UInt8]?

  /// Takes note of a token; one that is empty, as a cookie is after a logout, is none.
  mutating func add(_ found: [UInt8]) throws(TokenRefusal) {
    guard !found.isEmpty else { return }
    guard token == nil || token == found else { throw .ambiguous }
    token = found
  }
}

extension TokenSources {
  /// Another scheme than Bearer is for somebody else and no token.
  private func findInHeader(_ fields: FieldSection, _ finding: inout Finding) throws(TokenRefusal) {
    guard let range = fields.first(.authorization) else { return }
    guard fields.count(of: .authorization) == 1 else { throw .ambiguous }
    let value = fields.bytes.span.extracting(range)
    let end = value.firstIndex(of: ASCII.space) ?? value.count
    guard value.extracting(..<end).equalsIgnoringCase("Bearer") else { return }
    var start = end
    while start < value.count, value[start] == ASCII.space { start += 1 }
    guard start < value.count else { throw .malformed }
    try finding.add([UInt8](value.extracting(start...)))
  }

  /// Pairs of a name and a value between semicolons (RFC 6265 §4.2.1), in one field or in several (RFC 9113 §8.2.3).
  private func findInCookies(
    _ fields: FieldSection, _ name: [UInt8], _ finding: inout Finding
  ) throws(TokenRefusal) {
    guard fields.first(.cookie) != nil else { return }
    for index in 0..<fields.count where fields[index].name == .cookie {
      let value = fields.bytes.span.extracting(fields[index].valueRange)
      var start = 0
      while start < value.count {
        let end = value.firstIndex(of: UInt8(ascii: ";"), from: start) ?? value.count
        if let found = TokenSources.cookie(name, in: value.extracting(start..<end)) { try finding.add(found) }
        start = end + 1
      }
    }
  }

  /// The value of a pair if it has this name; quotation marks around it are not part of it (RFC 6265 §4.1.1).
  private static func cookie(_ name: [UInt8], in pair: Span<UInt8>) -> [UInt8]? {
    var start = 0
    var end = pair.count
    while start < end, isBlank(pair[start]) { start += 1 }
    while end > start, isBlank(pair[end - 1]) { end -= 1 }
    let valueStart = start + name.count + 1
    guard valueStart <= end, pair.extracting(start..<valueStart - 1).equals(name.span),
      pair[valueStart - 1] == UInt8(ascii: "=")
    else { return nil }
    let mark = UInt8(ascii: "\"")
    let isQuoted = end - valueStart >= 2 && pair[valueStart] == mark && pair[end - 1] == mark
    return [UInt8](isQuoted ? pair.extracting(valueStart + 1..<end - 1) : pair.extracting(valueStart..<end))
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == ASCII.space || byte == ASCII.tab
  }
}

/// The parameters of a query, one after the other, still encoded (WHATWG URL §5.1).
private struct QueryPieces {
  private var position = 0

  mutating func next(in query: Span<UInt8>) -> (name: Range<Int>, value: Range<Int>)? {
    while position < query.count {
      let start = position
      let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
      position = end + 1
      if end == start { continue }
      guard let equals = query.extracting(..<end).firstIndex(of: UInt8(ascii: "="), from: start) else {
        return (start..<end, end..<end)
      }
      return (start..<equals, equals + 1..<end)
    }
    return nil
  }

  static func decoded(_ text: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    Percent.append(decoded: text, plusIsSpace: true, to: &bytes)
    return bytes
  }
}
