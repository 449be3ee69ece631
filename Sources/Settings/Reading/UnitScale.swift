/// Numbers with a unit, such as `1.5s` or `256KiB`: one way to read and to write them.
struct UnitScale {
  /// What is measured, with its units, as problems name it.
  let name: String
  /// The units with their size in the smallest one, smallest first.
  let units: [(name: String, size: Int64)]
  /// The place of the unit in which zero is written.
  private let zeroUnit: Int

  /// Times, in milliseconds.
  static let milliseconds = UnitScale(
    name: "a time in whole milliseconds with its unit (ms, s, m, h, d)",
    units: [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)], zeroUnit: 1)
  /// Times, in seconds.
  static let seconds = UnitScale(
    name: "a time in whole seconds with its unit (s, m, h, d)",
    units: [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)], zeroUnit: 0)
  /// Sizes, in bytes.
  static let bytes = UnitScale(
    name: "a size with its unit (B, KiB, MiB, GiB)",
    units: [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)], zeroUnit: 0)

  /// Reads a number with its unit.
  ///
  /// - Parameter text: digits, perhaps a point and up to three more, and the unit at once.
  /// - Returns: how many of the smallest unit; `nil` where the text is none of that, or no whole number of them.
  func value(of text: String) -> Int64? {
    let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
    guard let unit = units.first(where: { $0.name == text.dropFirst(number.count) }) else { return nil }
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? parts[1] : "0"
    guard (1...12).contains(parts[0].count), (1...3).contains(fraction.count),
      let whole = Int64(parts[0]), let thousandths = Int64(fraction + String(repeating: "0", count: 3 - fraction.count))
    else { return nil }
    let (product, overflow) = (whole * 1000 + thousandths).multipliedReportingOverflow(by: unit.size)
    return overflow || product % 1000 != 0 ? nil : product / 1000
  }

  /// Reads a number with its unit; `nil` also where it is out of bounds.
  func value(of text: String, in bounds: ClosedRange<Int64>) -> Int64? {
    value(of: text).flatMap { bounds.contains($0) ? $0 : nil }
  }

  /// What a number within bounds may be, as problems name it.
  func allowed(in bounds: ClosedRange<Int64>) -> String {
    "\(name) from \(text(for: bounds.lowerBound)) to \(text(for: bounds.upperBound))"
  }

  /// Writes a number with the largest unit that leaves it whole.
  func text(for value: Int64) -> String {
    let unit = value == 0 ? units[zeroUnit] : units.last { value.isMultiple(of: $0.size) } ?? units[0]
    return "\(value / unit.size)\(unit.name)"
  }
}

extension UnitScale {
  /// The value of the smallest unit as a duration, for the scales of time.
  func duration(_ value: Int64) -> Duration {
    units[0].name == "ms" ? .milliseconds(value) : .seconds(value)
  }

  /// Writes a time with the largest unit that leaves it whole in milliseconds.
  static func text(for duration: Duration) -> String {
    milliseconds.text(for: milliseconds.value(of: duration))
  }

  /// Reads a time within bounds, for the scales of time.
  func duration(of text: String, in bounds: ClosedRange<Duration>) -> Duration? {
    value(of: text, in: value(of: bounds.lowerBound)...value(of: bounds.upperBound)).map { duration($0) }
  }

  /// What a time within bounds may be, for the scales of time.
  func allowed(in bounds: ClosedRange<Duration>) -> String {
    allowed(in: value(of: bounds.lowerBound)...value(of: bounds.upperBound))
  }

  /// How many of the smallest unit a duration is, for the scales of time.
  func value(of duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return units[0].name == "ms" ? seconds * 1000 + attoseconds / 1_000_000_000_000_000 : seconds
  }
}
