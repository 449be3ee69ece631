internal import Reactor

/// Reads a number with its unit, as an option or an expectation has it: `1.5s`, `10%`, `64KiB`, `200/s`.
struct Quantity: Equatable {
  /// The number, not negative.
  let number: Double
  /// What stands behind it, without white space; may be empty.
  let unit: String

  /// The nanoseconds of each unit of time.
  static let times: [String: Double] = ["ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9]
  /// The bytes of each unit of size.
  static let sizes: [String: Double] = [
    "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824,
  ]

  /// `nil` where the text does not begin with a decimal number.
  init?(_ text: some StringProtocol) {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = Double(String(digits)), number.isFinite, digits.first != ".", digits.last != "." else {
      return nil
    }
    self.number = number
    unit = String(text.dropFirst(digits.count).drop { $0 == " " })
  }

  /// Nanoseconds, `nil` where the unit is none of time or the time is longer than a century.
  var nanoseconds: UInt64? {
    guard let scale = Self.times[unit], number * scale < 3.2e18 else { return nil }
    return UInt64((number * scale).rounded())
  }
}

/// Reads the values of options.
///
/// Each function throws `LoadError.usage`, which names the option, what was given and what is allowed.
struct OptionReader {
  let option: String

  func refuse(_ given: String, allowed: String) -> LoadError {
    .usage(option: option, given: given, allowed: allowed)
  }

  /// A whole number within bounds.
  func count(_ text: String, in bounds: ClosedRange<Int>) throws(LoadError) -> Int {
    guard let value = Int(text), bounds.contains(value) else {
      throw refuse(text, allowed: "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    return value
  }

  /// A time with its unit; zero needs none.
  func time(_ text: String, longest: Duration = .seconds(7 * 86_400), orZero: Bool = true) throws(LoadError) -> Duration
  {
    if orZero, text == "0" { return .zero }
    let bound = Duration.nanoseconds(Int64(longest.wholeMilliseconds) * 1_000_000)
    guard let nanoseconds = Quantity(text)?.nanoseconds, nanoseconds > 0 || orZero, nanoseconds < UInt64(Int64.max),
      .nanoseconds(Int64(nanoseconds)) <= bound
    else {
      let least = orZero ? "0" : "more than 0"
      throw refuse(text, allowed: "a time with its unit (ms, s, m, h), \(least) to \(bound.wholeMilliseconds / 1000)s")
    }
    return .nanoseconds(Int64(nanoseconds))
  }

  /// So many a second: `200`, `200/s` or `600/m`.
  func rate(_ text: String) throws(LoadError) -> Double {
    let seconds = ["": 1.0, "/s": 1, "/m": 60]
    guard let quantity = Quantity(text), let span = seconds[quantity.unit],
      (0.001...1e7).contains(quantity.number / span)
    else { throw refuse(text, allowed: "connections a second, 0.001/s to 10000000/s, or a minute, as in 600/m") }
    return quantity.number / span
  }

  /// A share from `0%` to `100%`, as a fraction.
  func share(_ text: String) throws(LoadError) -> Double {
    guard let quantity = Quantity(text), quantity.unit == "%", quantity.number <= 100 else {
      throw refuse(text, allowed: "0% to 100%")
    }
    return quantity.number / 100
  }

  /// Bytes a second: `1KiB/s`.
  func byteRate(_ text: String) throws(LoadError) -> Double {
    guard text.hasSuffix("/s"), let quantity = Quantity(text.dropLast(2)), let scale = Quantity.sizes[quantity.unit],
      (1...1e9).contains(quantity.number * scale)
    else { throw refuse(text, allowed: "bytes a second with a unit (B, KB, KiB, MB, MiB), 1B/s to 1GB/s") }
    return quantity.number * scale
  }

  /// One of a few words.
  func word<Value: RawRepresentable & CaseIterable>(_ text: String) throws(LoadError) -> Value
  where Value.RawValue == String {
    guard let value = Value(rawValue: text) else {
      throw refuse(text, allowed: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }
}
