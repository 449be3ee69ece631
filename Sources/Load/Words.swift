/// Numbers as people read them.
enum Words {
  /// A number with so many decimals, halves rounded away from zero.
  static func decimal(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return value.isNaN ? "-" : "∞" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let whole = Int((abs(value) * scale).rounded())
    let sign = value < 0 && whole > 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(whole)" }
    let digits = String(whole)
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }

  /// A time with three digits or so and the unit that fits.
  static func time(_ nanoseconds: Double) -> String {
    for (unit, scale) in [("s", 1e9), ("ms", 1e6), ("µs", 1e3)] where nanoseconds >= scale {
      let value = nanoseconds / scale
      return "\(decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0)) \(unit)"
    }
    return "\(decimal(nanoseconds, 0)) ns"
  }

  /// A whole number, or one with a decimal.
  static func number(_ value: Double) -> String {
    value == value.rounded() ? decimal(value, 0) : decimal(value, 1)
  }

  /// Bytes in MiB.
  static func mebibytes(_ bytes: UInt64) -> String {
    "\(decimal(Double(bytes) / 1_048_576, 1)) MiB"
  }

  /// Text with spaces before or behind it.
  static func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return right ? space + text : text + space
  }
}
