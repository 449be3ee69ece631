internal import Bytes

/// Where the parts are of one event as `SSEEncoder` writes it: the type, lines of data, the id.
public struct EncodedEvent: Equatable, Sendable {
  /// The type; empty where it has none.
  public let type: Range<Int>
  /// The lines of data, from the first byte of data to the last: between them stand a line feed and `data: `.
  public let data: Range<Int>
  /// Whether the data is one line.
  public let isOneLine: Bool

  private static let typeName: StaticString = "event: "
  private static let dataName: StaticString = "data: "

  /// Looks at one event; `nil` for what our encoder has not written.
  public init?(_ bytes: Span<UInt8>) {
    var position = 0
    type = Self.value(of: Self.typeName, in: bytes, at: &position) ?? 0..<0
    guard let first = Self.value(of: Self.dataName, in: bytes, at: &position) else { return nil }
    var end = first.upperBound
    while let next = Self.value(of: Self.dataName, in: bytes, at: &position) { end = next.upperBound }
    data = first.lowerBound..<end
    isOneLine = end == first.upperBound
    _ = Self.value(of: "id: ", in: bytes, at: &position)
    guard position + 1 == bytes.count, bytes[position] == ASCII.lineFeed else { return nil }
  }

  /// Passes a line of this field, and gives its value; stays where there is another one.
  private static func value(of name: StaticString, in bytes: Span<UInt8>, at position: inout Int) -> Range<Int>? {
    let start = position + name.utf8CodeUnitCount
    guard start <= bytes.count, bytes.extracting(position..<start).equals(name),
      let end = bytes.firstIndex(of: ASCII.lineFeed, from: start)
    else { return nil }
    position = end + 1
    return start..<end
  }
}
