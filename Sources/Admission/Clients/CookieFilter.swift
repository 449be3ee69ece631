internal import Bytes
public import Wire

/// Which of a client's cookies an upstream sees.
public struct CookieFilter: Sendable, Equatable {
  /// Those cookies.
  public let selection: CookieSelection

  /// Makes a filter of a selection.
  public init(_ selection: CookieSelection) {
    self.selection = selection
  }

  /// The value of the one `Cookie` field for an upstream.
  ///
  /// Where all pass, they do as they came. Otherwise the pairs of the selection do, byte by byte, in their order, a name
  /// that comes twice twice (RFC 6265 §5.4), and what is no pair does not.
  ///
  /// - Parameter fields: the client's fields; several `Cookie` fields are one (RFC 9113 §8.2.3).
  /// - Returns: the value, `nil` where nothing is left.
  public func value(from fields: FieldSection) -> [UInt8]? {
    guard selection != .none, fields.first(.cookie) != nil else { return nil }
    let bytes = fields.bytes.span
    var value: [UInt8] = []
    for index in 0..<fields.count where fields[index].name == .cookie {
      let field = bytes.extracting(fields[index].valueRange)
      guard selection != .pass else {
        append(field, to: &value)
        continue
      }
      var pairs = CookiePairs()
      while let pair = pairs.next(in: field) {
        if selection.contains(field.extracting(pair.nameRange)) { append(field.extracting(pair.range), to: &value) }
      }
    }
    return value.isEmpty ? nil : value
  }

  private func append(_ pair: Span<UInt8>, to value: inout [UInt8]) {
    if !value.isEmpty { value.append("; ") }
    value.append(pair)
  }
}
