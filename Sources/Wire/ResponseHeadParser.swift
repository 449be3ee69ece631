internal import Bytes

/// Reads response heads (RFC 9112 §4, §5), as strictly and in the same way as `RequestHeadParser` reads requests.
///
/// The reason phrase may be missing together with the space before it, because many servers leave both out.
///
/// *Bound*: `HeadLimits` but for the target. *Ends when* it throws: the connection cannot be used any more.
public struct ResponseHeadParser: Sendable {
  private enum Phase { case version, status, reason, lineFeed, fields }

  private let limits: HeadLimits
  private var phase = Phase.version
  private var position = 0
  private var version = HTTPVersion.http11
  private var status = 0
  private var fieldsStart = 0
  private var fields: FieldScanner

  /// Makes a parser for the responses of one connection.
  public init(limits: HeadLimits) {
    precondition(limits.headBytes <= Int32.max, "places in a head have 32 bits")
    self.limits = limits
    fields = FieldScanner(start: 0, allowed: limits.fields)
  }

  /// Reads on.
  ///
  /// - Parameter bytes: everything received from the first byte of the head on, at least what the last call saw.
  /// - Returns: the head and how many bytes it took, after which the body or the next head begins and the parser is
  ///   ready for it; `nil` where more bytes are needed.
  /// - Throws: `HTTPViolation` at the first byte that is wrong; treat it as a bad gateway and close.
  public mutating func parse(_ bytes: Span<UInt8>) throws(HTTPViolation) -> (head: ResponseHead, consumed: Int)? {
    let seen = bytes.extracting(..<min(bytes.count, limits.headBytes))
    while position < seen.count {
      switch phase {
      case .version: if try !readVersion(seen) { return try needMore(seen) }
      case .status: if try !readStatus(seen) { return try needMore(seen) }
      case .reason: try readReason(seen)
      case .lineFeed:
        try FieldScanner.passLineFeed(seen[position], at: &position)
        fieldsStart = position
        fields = FieldScanner(start: position, allowed: limits.fields)
        phase = .fields
      case .fields:
        guard try fields.scan(seen, from: &position) else { continue }
        return finish(seen)
      }
    }
    return try needMore(seen)
  }

  private func needMore(_ seen: Span<UInt8>) throws(HTTPViolation) -> (head: ResponseHead, consumed: Int)? {
    guard seen.count < limits.headBytes else { throw .headTooLarge(allowedBytes: limits.headBytes) }
    return nil
  }

  /// Reads `HTTP/1.x` and the space after it, once all nine bytes are there.
  private mutating func readVersion(_ bytes: Span<UInt8>) throws(HTTPViolation) -> Bool {
    guard bytes.count >= 9 else { return false }
    guard bytes.extracting(..<5).equals("HTTP/"), bytes[8] == ASCII.space else { throw .malformedStatusLine }
    guard let version = HTTPVersion(bytes.extracting(..<8)) else { throw .unsupportedVersion }
    self.version = version
    position = 9
    phase = .status
    return true
  }

  /// Reads three digits and what ends them, once all four bytes are there.
  private mutating func readStatus(_ bytes: Span<UInt8>) throws(HTTPViolation) -> Bool {
    guard bytes.count >= 13 else { return false }
    for index in 9..<12 {
      guard let digit = ASCII.digit(bytes[index]) else { throw .malformedStatusLine }
      status = status * 10 + digit
    }
    guard (100...599).contains(status) else { throw .malformedStatusLine }
    position = 12
    guard bytes[position] == ASCII.space || bytes[position] == ASCII.carriageReturn else { throw .malformedStatusLine }
    phase = .reason
    return true
  }

  private mutating func readReason(_ bytes: Span<UInt8>) throws(HTTPViolation) {
    position = bytes.firstIndex(ofControlOr: 0x7F, 0x7F, from: position) ?? bytes.count
    guard position < bytes.count else { return }
    switch bytes[position] {
    case ASCII.carriageReturn: phase = .lineFeed
    case ASCII.tab: break
    case ASCII.lineFeed: throw .bareLineFeed
    default: throw .malformedStatusLine
    }
    position += 1
  }

  private mutating func finish(_ bytes: Span<UInt8>) -> (head: ResponseHead, consumed: Int) {
    let section = fields.takeSection(bytes.extracting(fieldsStart..<position))
    let head = ResponseHead(status: status, version: version, fields: section)
    let consumed = position
    self = ResponseHeadParser(limits: limits)
    return (head, consumed)
  }
}
