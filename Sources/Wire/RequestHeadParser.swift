internal import Bytes

/// Reads request heads (RFC 9112 §2 to §3, §5), strictly and without looking at any byte twice.
///
/// It is given the head from its first byte on, again and again with more bytes after it, and remembers how far it has
/// read. What it returns or throws does not depend on how the bytes were cut.
///
/// *Bound*: `HeadLimits`. *Ends when* it throws: the connection cannot be used any more, nor can the parser.
public struct RequestHeadParser: Sendable {
  private enum Phase { case start, leadingLineFeed, method, target, version, lineFeed, fields }

  private let limits: HeadLimits
  private var phase = Phase.start
  private var position = 0
  private var methodStart = 0
  private var method = Method.get
  private var targetStart = 0
  private var targetEnd = 0
  private var version = HTTPVersion.http11
  private var target: RequestTarget?
  private var fieldsStart = 0
  private var fields: FieldScanner

  /// Makes a parser for the requests of one connection.
  public init(limits: HeadLimits) {
    precondition(limits.headBytes <= Int32.max, "places in a head have 32 bits")
    self.limits = limits
    fields = FieldScanner(start: 0, allowed: limits.fields)
  }

  /// Reads on.
  ///
  /// - Parameter bytes: everything received from the first byte of the head on, at least what the last call saw.
  /// - Returns: the head and how many bytes it took, after which the next message begins and the parser is ready for
  ///   it; `nil` where more bytes are needed.
  /// - Throws: `HTTPViolation` at the first byte that is wrong; answer with its status and close.
  public mutating func parse(_ bytes: Span<UInt8>) throws(HTTPViolation) -> (head: RequestHead, consumed: Int)? {
    let seen = bytes.extracting(..<min(bytes.count, limits.headBytes))
    while position < seen.count {
      switch phase {
      case .start: start(seen[position])
      case .leadingLineFeed:
        try FieldScanner.passLineFeed(seen[position], at: &position)
        methodStart = position
        phase = .method
      case .method: try readMethod(seen)
      case .target: try readTarget(seen)
      case .version: try readVersion(seen)
      case .lineFeed: try endRequestLine(seen)
      case .fields:
        guard try fields.scan(seen, from: &position) else { continue }
        let head = try finish(seen)
        let consumed = position
        self = RequestHeadParser(limits: limits)
        return (head, consumed)
      }
    }
    guard seen.count < limits.headBytes else { throw .headTooLarge(allowedBytes: limits.headBytes) }
    return nil
  }

  /// At most one empty line before the request line is passed over (RFC 9112 §2.2).
  private mutating func start(_ byte: UInt8) {
    if byte == ASCII.carriageReturn {
      phase = .leadingLineFeed
      position += 1
    } else {
      phase = .method
    }
  }

  private mutating func readMethod(_ bytes: Span<UInt8>) throws(HTTPViolation) {
    let longest = methodStart + Method.longestName
    position = Token.end(in: bytes.extracting(..<min(bytes.count, longest + 1)), from: position)
    guard position <= longest else { throw .methodTooLong(allowedBytes: Method.longestName) }
    guard position < bytes.count else { return }
    guard bytes[position] == ASCII.space, position > methodStart else {
      throw RequestHeadParser.lineDefect(bytes[position]) ?? .malformedMethod
    }
    method = Method(token: bytes.extracting(methodStart..<position))
    guard method != .connect else { throw .unsupportedMethod }
    position += 1
    targetStart = position
    phase = .target
  }

  private mutating func readTarget(_ bytes: Span<UInt8>) throws(HTTPViolation) {
    let longest = targetStart + limits.targetBytes
    let seen = bytes.extracting(..<min(bytes.count, longest + 1))
    // Visible ASCII but the number sign. Browsers send some characters raw that RFC 3986 would have them encode.
    position = seen.firstMark(from: position) {
      $0.below(0x21) | $0.nonASCII | $0.equal(to: 0x7F) | $0.equal(to: UInt8(ascii: "#"))
    }
    guard position <= longest else { throw .targetTooLong(allowedBytes: limits.targetBytes) }
    guard position < bytes.count else { return }
    switch bytes[position] {
    case ASCII.space:
      guard position > targetStart else { throw .malformedRequestLine }
    case ASCII.carriageReturn: throw .missingVersion
    case ASCII.lineFeed: throw .bareLineFeed
    case UInt8(ascii: "#"): throw .fragmentInTarget
    case 0x80...: throw .nonASCIIInTarget
    default: throw .controlInTarget
    }
    targetEnd = position
    position += 1
    phase = .version
  }

  private mutating func readVersion(_ bytes: Span<UInt8>) throws(HTTPViolation) {
    let start = targetEnd + 1
    let longest = start + 8
    while position < min(bytes.count, longest), bytes[position] > 0x20 { position &+= 1 }
    guard position < bytes.count else { return }
    let text = bytes.extracting(start..<position)
    if bytes[position] <= 0x20, bytes[position] != ASCII.carriageReturn {
      throw RequestHeadParser.lineDefect(bytes[position]) ?? .malformedRequestLine
    }
    guard let version = HTTPVersion(text), bytes[position] == ASCII.carriageReturn else {
      throw text.count >= 5 && text.extracting(..<5).equals("HTTP/") ? .unsupportedVersion : .malformedRequestLine
    }
    self.version = version
    position += 1
    phase = .lineFeed
  }

  private static func lineDefect(_ byte: UInt8) -> HTTPViolation? {
    switch byte {
    case ASCII.lineFeed: .bareLineFeed
    case ASCII.carriageReturn: .malformedRequestLine
    default: nil
    }
  }

  private mutating func endRequestLine(_ bytes: Span<UInt8>) throws(HTTPViolation) {
    try FieldScanner.passLineFeed(bytes[position], at: &position)
    target = try RequestTarget(bytes, targetStart..<targetEnd, method: method)
    fieldsStart = position
    fields = FieldScanner(start: position, allowed: limits.fields)
    phase = .fields
  }
}

// What can only be judged when the head is complete.
extension RequestHeadParser {
  private mutating func finish(_ bytes: Span<UInt8>) throws(HTTPViolation) -> RequestHead {
    guard let target else { preconditionFailure("a complete head has a target") }
    let section = fields.takeSection(bytes.extracting(fieldsStart..<position))
    let place = try authority(of: target, in: bytes, section)
    try checkExpectation(section)
    _ = try section.statedFraming(version: version)
    return RequestHead(
      method: method,
      path: target.path.isEmpty ? [UInt8(ascii: "/")] : [UInt8](bytes.extracting(target.path)),
      query: target.query.isEmpty ? [] : [UInt8](bytes.extracting(target.query)), hasQuery: target.hasQuery,
      version: version, place: place, fields: section)
  }

  /// The authority of an absolute target wins over `Host`, which has to be there and well formed all the same
  /// (RFC 9112 §3.2, §3.2.2).
  private func authority(
    of target: RequestTarget, in bytes: Span<UInt8>, _ section: FieldSection
  ) throws(HTTPViolation) -> Authority? {
    guard section.count(of: .host) < 2 else { throw .duplicateHost }
    guard let range = section.first(.host) else {
      guard version == .http10 else { throw .missingHost }
      guard let stated = target.authority else { return nil }
      return try Authority(bytes.extracting(stated))
    }
    let host = try Authority(section.bytes.span.extracting(range))
    guard let stated = target.authority else { return host }
    return try Authority(bytes.extracting(stated))
  }

  private func checkExpectation(_ section: FieldSection) throws(HTTPViolation) {
    guard section.count(of: .expect) > 0 else { return }
    for index in 0..<section.count where section[index].name == .expect {
      let value = section.bytes.span.extracting(section[index].valueRange)
      guard value.equalsIgnoringCase("100-continue") else { throw .unsupportedExpectation }
    }
  }
}
