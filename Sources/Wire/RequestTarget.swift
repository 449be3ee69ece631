internal import Bytes

/// The request target taken apart (RFC 9112 §3.2): ranges of the bytes it was read from.
struct RequestTarget {
  /// What stands between `//` and the path of an absolute target, `nil` for the other forms.
  private(set) var authority: Range<Int>?
  /// The path; empty where an absolute target has none.
  private(set) var path: Range<Int>
  /// What follows the question mark.
  private(set) var query: Range<Int>
  /// Whether there is a question mark.
  private(set) var hasQuery: Bool

  /// Reads a target whose bytes are known to be visible ASCII without `#`.
  ///
  /// - Parameters:
  ///   - bytes: what the ranges are in.
  ///   - target: where the target stands.
  ///   - method: the method of the request; only `OPTIONS` may ask for `*`.
  /// - Throws: `HTTPViolation` where the target has no known form or its path breaks `PathRules`.
  init(_ bytes: Span<UInt8>, _ target: Range<Int>, method: Method) throws(HTTPViolation) {
    var pathStart = target.lowerBound
    if bytes[pathStart] == UInt8(ascii: "*"), target.count == 1 {
      guard method == .options else { throw .asteriskWithoutOptions }
      path = target
      query = target.upperBound..<target.upperBound
      hasQuery = false
      return
    }
    if bytes[pathStart] != UInt8(ascii: "/") {
      let authority = try RequestTarget.authority(in: bytes, target)
      self.authority = authority
      pathStart = authority.upperBound
    }
    var pathEnd = pathStart
    while pathEnd < target.upperBound, bytes[pathEnd] != UInt8(ascii: "?") { pathEnd &+= 1 }
    path = pathStart..<pathEnd
    hasQuery = pathEnd < target.upperBound
    query = min(pathEnd + 1, target.upperBound)..<target.upperBound
    try PathRules.check(bytes.extracting(path))
  }

  private static func authority(in bytes: Span<UInt8>, _ target: Range<Int>) throws(HTTPViolation) -> Range<Int> {
    let text = bytes.extracting(target)
    let scheme = text.firstIndex(of: UInt8(ascii: ":")) ?? 0
    let name = text.extracting(..<scheme)
    guard name.equalsIgnoringCase("http") || name.equalsIgnoringCase("https"),
      scheme + 2 < text.count, text.extracting(scheme...(scheme + 2)).equals("://")
    else { throw .malformedTarget }
    let start = scheme + 3
    var end = start
    while end < text.count, text[end] != UInt8(ascii: "/"), text[end] != UInt8(ascii: "?") { end += 1 }
    return (target.lowerBound + start)..<(target.lowerBound + end)
  }
}

/// What a path may not hold, because the gateway and an upstream could read it differently.
enum PathRules {
  /// Refuses backslashes, malformed percent-encoding, encoded slashes and NULs, and the segments `.` and `..` however
  /// their dots are written.
  static func check(_ path: Span<UInt8>) throws(HTTPViolation) {
    // How many dots the segment has so far, nil when it holds anything else.
    var dots: Int? = nil
    var index = 0
    while index < path.count {
      var byte = path[index]
      index &+= 1
      if byte == UInt8(ascii: "%") {
        byte = try decoded(path, at: index)
        index &+= 2
      } else if byte == UInt8(ascii: "\\") {
        throw .backslashInPath
      } else if byte == UInt8(ascii: "/") {
        guard !isDotSegment(dots) else { throw .dotSegment }
        dots = 0
        continue
      } else if byte == UInt8(ascii: ";"), isDotSegment(dots) {
        // Some servers cut parameters off a segment before they resolve it.
        throw .dotSegment
      }
      if byte == UInt8(ascii: "."), let count = dots { dots = count + 1 } else { dots = nil }
    }
    guard !isDotSegment(dots) else { throw .dotSegment }
  }

  private static func isDotSegment(_ dots: Int?) -> Bool {
    dots == 1 || dots == 2
  }

  private static func decoded(_ path: Span<UInt8>, at index: Int) throws(HTTPViolation) -> UInt8 {
    guard index + 1 < path.count, let high = ASCII.hexDigit(path[index]), let low = ASCII.hexDigit(path[index + 1])
    else { throw .malformedPercentEncoding }
    let byte = UInt8(high << 4 | low)
    guard byte != 0 else { throw .encodedNUL }
    guard byte != UInt8(ascii: "/") else { throw .encodedSlash }
    return byte
  }
}
