internal import Bytes

/// Media types (RFC 9110 §8.3.1).
public enum MediaType {
  /// The type and subtype in lower case without parameters.
  ///
  /// - Parameter value: the value of a `Content-Type` field.
  /// - Returns: for example `text/event-stream`; empty where the value does not begin with a well-formed media type.
  public static func essence(of value: Span<UInt8>) -> String {
    let end = value.firstIndex(of: UInt8(ascii: ";")) ?? value.count
    let essence = value.extracting(Blank.trimmed(value, 0..<end))
    guard let slash = essence.firstIndex(of: UInt8(ascii: "/")),
      Token.isToken(essence.extracting(..<slash)), Token.isToken(essence.extracting((slash + 1)...))
    else { return "" }
    var lower: [UInt8] = []
    lower.append(essence)
    for index in lower.indices { lower[index] = ASCII.lowercased(lower[index]) }
    return String(lower.span)
  }
}
