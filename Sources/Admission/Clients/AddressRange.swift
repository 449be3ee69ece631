internal import Bytes
public import Wire

/// The addresses that begin with the same bits, or a single one: `10.0.0.0/8`, `fd00::/8`, `::1` (RFC 4632 §3.1).
///
/// A range of IPv6 addresses holds no IPv4 address, `::/0` included.
public struct AddressRange: Sendable, Hashable {
  /// The first address.
  public let first: IPAddress
  private let mask: UInt128

  /// A single address.
  public init(_ address: IPAddress) {
    first = address
    mask = .max
  }

  /// Reads a range as it stands in the settings.
  ///
  /// A bit behind the prefix is an error and not cleared: it is a slip in the address or in the length, and who is
  /// believed is no matter to guess at.
  ///
  /// - Parameter text: an address, or the first one of a range with the length of its prefix in bits.
  /// - Throws: `AddressRangeError`; the settings are then refused as a whole.
  public init(_ text: String) throws(AddressRangeError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(String(parts[0])) else { throw .address(given: text) }
    guard parts.count == 2 else {
      self.init(address)
      return
    }
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
    let bits = text.contains(":") ? 128 : 32
    guard let length = AddressRange.length(parts[1]), length <= bits else {
      throw .prefixLength(given: text, longest: bits)
    }
    let mask = UInt128.max << (bits - length)
    let first = IPAddress(bits: address.bits & mask)
    guard first == address else { throw .hostBits(given: text, range: AddressRange(first: first, mask: mask)) }
    self.init(first: first, mask: mask)
  }

  private init(first: IPAddress, mask: UInt128) {
    self.first = first
    self.mask = mask
  }

  /// Whether an address is one of these.
  public func contains(_ address: IPAddress) -> Bool {
    address.bits & mask == first.bits && address.isIPv4 == first.isIPv4
  }

  /// Whether these are all addresses of a family.
  public var isEverything: Bool { prefixLength == 0 }

  /// How many bits the addresses have in common, 0 to 32 for IPv4 and 0 to 128 for IPv6.
  public var prefixLength: Int { mask.nonzeroBitCount - (first.isIPv4 ? 96 : 0) }

  private static func length(_ text: Substring) -> Int? {
    guard (1...3).contains(text.utf8.count), text == "0" || !text.hasPrefix("0"),
      text.utf8.allSatisfy({ ASCII.digit($0) != nil })
    else { return nil }
    return Int(text)
  }
}

extension AddressRange: CustomStringConvertible {
  /// The range as it stands in the settings.
  public var description: String { mask == .max ? "\(first)" : "\(first)/\(prefixLength)" }
}
