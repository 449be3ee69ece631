internal import Bytes

/// What one proxy says of the request it got, in one element of a `Forwarded` field (RFC 7239 §4).
public struct ForwardedElement: Equatable, Sendable {
  /// Whom it got the request from; `nil` where it does not say.
  public private(set) var node: ForwardedNode?
  /// The scheme by which it got it, as written; `nil` where it does not say.
  public private(set) var proto: [UInt8]?
  /// The `Host` with which it got it, as written; `nil` where it does not say.
  public private(set) var host: [UInt8]?

  /// An element that says only where a request came from.
  init(node: ForwardedNode?) {
    self.node = node
  }

  /// Reads an element: pairs of a name and a token or quoted string, with semicolons between.
  ///
  /// `nil` where a pair is malformed, a parameter comes twice or a `for` is no node. Stricter and more lenient than the
  /// grammar in one point each: there must be a pair, and white space may stand around a semicolon, as many write it.
  ///
  /// - Parameter bytes: the element without the commas around it.
  public init?(_ bytes: Span<UInt8>) {
    var index = 0
    var pairs = 0
    while index < bytes.count {
      if Blank.contains(bytes[index]) || bytes[index] == UInt8(ascii: ";") {
        index += 1
        continue
      }
      let equals = Token.end(in: bytes, from: index)
      guard equals > index, equals < bytes.count, bytes[equals] == UInt8(ascii: "="),
        let (value, end) = ForwardedElement.value(in: bytes, from: equals + 1),
        set(bytes.extracting(index..<equals), value)
      else { return nil }
      pairs += 1
      index = end
      while index < bytes.count, Blank.contains(bytes[index]) { index += 1 }
      guard index == bytes.count || bytes[index] == UInt8(ascii: ";") else { return nil }
    }
    guard pairs > 0 else { return nil }
  }

  /// Takes note of a pair; `false` where it may not be there.
  private mutating func set(_ name: Span<UInt8>, _ value: [UInt8]) -> Bool {
    if name.equalsIgnoringCase("for") {
      guard node == nil, let value = ForwardedNode(value.span) else { return false }
      node = value
    } else if name.equalsIgnoringCase("proto") {
      guard proto == nil else { return false }
      proto = value
    } else if name.equalsIgnoringCase("host") {
      guard host == nil else { return false }
      host = value
    }
    return true
  }

  /// The value that begins at a position, unquoted, and where it ends.
  private static func value(in bytes: Span<UInt8>, from start: Int) -> (value: [UInt8], end: Int)? {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else {
      let end = Token.end(in: bytes, from: start)
      return end > start ? ([UInt8](bytes.extracting(start..<end)), end) : nil
    }
    var value: [UInt8] = []
    var index = start + 1
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\"") { return (value, index + 1) }
      if bytes[index] == UInt8(ascii: "\\") { index += 1 }
      guard index < bytes.count else { return nil }
      value.append(bytes[index])
      index += 1
    }
    return nil
  }
}
