public import Wire

/// A list of ranges of addresses.
///
/// Looked through from the first to the last: two comparisons each, so that some hundred ranges cost less than a system
/// call.
public struct AddressList: Sendable, Hashable {
  /// The ranges in the order of the settings.
  public let ranges: [AddressRange]

  /// Takes ranges as they are; they may overlap.
  public init(_ ranges: [AddressRange]) {
    self.ranges = ranges
  }

  /// Whether an address is in one of the ranges.
  public func contains(_ address: IPAddress) -> Bool {
    for range in ranges where range.contains(address) { return true }
    return false
  }
}
