/// The characters that protocols are made of, by name, and the few rules that hold for all of them.
public enum ASCII {
  /// Horizontal tab.
  public static let tab = UInt8(ascii: "\t")
  /// Line feed.
  public static let lineFeed = UInt8(ascii: "\n")
  /// Carriage return.
  public static let carriageReturn = UInt8(ascii: "\r")
  /// Space.
  public static let space = UInt8(ascii: " ")
  /// Colon.
  public static let colon = UInt8(ascii: ":")

  /// The letter in lower case; every other byte as it is.
  @inlinable
  public static func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }

  /// The value of a decimal digit, `nil` for every other byte.
  @inlinable
  public static func digit(_ byte: UInt8) -> Int? {
    let value = byte &- 0x30
    return value < 10 ? Int(value) : nil
  }

  /// The value of a hexadecimal digit in either case, `nil` for every other byte.
  @inlinable
  public static func hexDigit(_ byte: UInt8) -> Int? {
    if let value = digit(byte) { return value }
    let letter = lowercased(byte) &- 0x61
    return letter < 6 ? Int(letter) + 10 : nil
  }
}
