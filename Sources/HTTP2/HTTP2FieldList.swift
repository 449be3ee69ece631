internal import Bytes

/// The fields of one answer in order, as HPACK takes them: names in lower case.
public struct HTTP2FieldList: Sendable {
  struct Place: Sendable {
    var name: Range<Int>
    var value: Range<Int>
    var isUnique: Bool
  }

  private(set) var bytes: [UInt8] = []
  private(set) var places: [Place] = []

  /// A list that begins with a status (RFC 9113 §8.3.2).
  ///
  /// - Parameter status: from 100 to 599.
  public init(status: Int) {
    bytes.reserveCapacity(512)
    places.reserveCapacity(12)
    bytes.append(":status")
    let end = bytes.count
    bytes.append(decimal: UInt64(status))
    places.append(Place(name: 0..<end, value: end..<bytes.count, isUnique: false))
  }

  /// How many fields there are.
  public var count: Int { places.count }

  /// Adds a field.
  ///
  /// - Parameters:
  ///   - name: a token, in any case.
  ///   - value: bytes without control characters but tabs.
  ///   - isUnique: whether no other answer has this value, so that remembering it would only push others out.
  public mutating func append(_ name: Span<UInt8>, _ value: Span<UInt8>, isUnique: Bool = false) {
    let start = bytes.count
    for index in name.indices { bytes.append(ASCII.lowercased(name[index])) }
    let end = bytes.count
    bytes.append(value)
    places.append(Place(name: start..<end, value: end..<bytes.count, isUnique: isUnique))
  }
}
