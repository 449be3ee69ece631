/// Why a text in the settings is no range of addresses.
public enum AddressRangeError: Error, Equatable {
  /// What stands before the slash is no numeric address.
  case address(given: String)
  /// What stands behind the slash is no number of bits that such an address has.
  case prefixLength(given: String, longest: Int)
  /// The address has bits behind the prefix; the range is the one without them.
  case hostBits(given: String, range: AddressRange)
}

extension AddressRangeError {
  /// What was found, as a person wrote it.
  public var given: String {
    switch self {
    case .address(let given), .prefixLength(let given, _), .hostBits(let given, _): "\"\(given)\""
    }
  }

  /// What would have been accepted instead.
  public var allowed: String {
    switch self {
    case .address: "an address or range such as 10.0.0.0/8 or ::1, without name, port, brackets or zone"
    case .prefixLength(_, let longest): "a prefix from 0 to \(longest) bits"
    case .hostBits(_, let range): "the range \(range), or an address alone"
    }
  }
}

extension AddressRangeError: CustomStringConvertible {
  /// What was given and what is allowed.
  public var description: String { "given \(given), allowed: \(allowed)" }
}
