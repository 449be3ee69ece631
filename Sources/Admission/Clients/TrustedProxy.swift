/// One entry of the list of those who are believed when they say for whom they ask.
public enum TrustedProxy: Sendable, Hashable {
  /// Whoever connects from these addresses.
  case addresses(AddressRange)
  /// Whoever may open a Unix socket of the gateway.
  case unixSocket

  /// Reads an entry as it stands in the settings.
  ///
  /// - Parameter text: an address, a range or `unix`.
  /// - Throws: `AddressRangeError`; the settings are then refused as a whole.
  public init(_ text: String) throws(AddressRangeError) {
    self = text == "unix" ? .unixSocket : .addresses(try AddressRange(text))
  }
}

extension TrustedProxy: CustomStringConvertible {
  /// The entry as it stands in the settings.
  public var description: String {
    switch self {
    case .addresses(let range): "\(range)"
    case .unixSocket: "unix"
    }
  }
}
