// Exact numbers, so that 0.1 + 0.2 is 0.3 and 1 / 3 * 3 is 1.

/// A rational number in lowest terms.
///
/// *Bound:* numerator and denominator have at most 36 digits; what would have more throws `ArithmeticError.overflow`.
struct Fraction: Equatable, Sendable {
  /// The digits that a numerator or denominator may have.
  ///
  /// Ten times such a number still fits 128 bits, which long division relies on.
  static let allowedDigits = 36

  private static let limit: Int128 = 1_000_000_000_000_000_000_000_000_000_000_000_000

  /// Carries the sign.
  let numerator: Int128
  /// Always positive.
  let denominator: Int128

  /// A small whole number.
  init(_ value: Int) {
    numerator = Int128(value)
    denominator = 1
  }

  /// The quotient of two whole numbers, reduced.
  ///
  /// - Throws: `divisionByZero`, or `overflow` where it has too many digits even in lowest terms.
  init(_ numerator: Int128, over denominator: Int128) throws(ArithmeticError) {
    guard denominator != 0 else { throw .divisionByZero }
    let divisor = Self.greatestCommonDivisor(numerator, denominator) * denominator.signum()
    let top = numerator / divisor
    let bottom = denominator / divisor
    guard top.magnitude < Self.limit.magnitude, bottom < Self.limit else { throw Self.tooManyDigits }
    self.numerator = top
    self.denominator = bottom
  }

  /// The sum.
  static func + (left: Self, right: Self) throws(ArithmeticError) -> Self {
    let shared = greatestCommonDivisor(left.denominator, right.denominator)
    let first = try product(left.numerator, right.denominator / shared)
    let second = try product(right.numerator, left.denominator / shared)
    let (sum, overflow) = first.addingReportingOverflow(second)
    guard !overflow else { throw tooManyDigits }
    return try Self(sum, over: try product(left.denominator, right.denominator / shared))
  }

  /// The difference.
  static func - (left: Self, right: Self) throws(ArithmeticError) -> Self {
    try left + right.negated()
  }

  /// The product.
  static func * (left: Self, right: Self) throws(ArithmeticError) -> Self {
    // Reduced crosswise first: the intermediate values stay as small as the result.
    let first = try Self(left.numerator, over: right.denominator)
    let second = try Self(right.numerator, over: left.denominator)
    return try Self(
      try product(first.numerator, second.numerator), over: try product(first.denominator, second.denominator))
  }

  /// The quotient; throws `divisionByZero`.
  static func / (left: Self, right: Self) throws(ArithmeticError) -> Self {
    try left * Self(right.denominator, over: right.numerator)
  }

  /// What is left of a division that is cut off at the whole number; it has the sign of the left side, as in Swift.
  static func % (left: Self, right: Self) throws(ArithmeticError) -> Self {
    let quotient = try left / right
    return try left - right * Self(quotient.numerator / quotient.denominator, over: 1)
  }

  /// The power with a whole exponent; zero to the zero is one.
  func raised(to exponent: Self) throws(ArithmeticError) -> Self {
    guard exponent.denominator == 1 else { throw .fractionalExponent }
    var base = exponent.numerator < 0 ? try Self(denominator, over: numerator) : self
    var rest = exponent.numerator.magnitude
    var result = Self(1)
    while rest > 0 {
      if rest & 1 == 1 { result = try result * base }
      rest >>= 1
      if rest > 0 { base = try base * base }
    }
    return result
  }

  /// The number with the other sign.
  func negated() throws(ArithmeticError) -> Self {
    try Self(-numerator, over: denominator)
  }

  /// The number in decimal digits.
  ///
  /// - Parameter places: how many digits after the point at most; where more would follow the text ends in an ellipsis.
  /// - Returns: the text, and whether it is the whole number.
  func decimal(places: Int) -> (text: String, isExact: Bool) {
    let sign = numerator < 0 ? "-" : ""
    let bottom = denominator.magnitude
    let (whole, remainder) = numerator.magnitude.quotientAndRemainder(dividingBy: bottom)
    var rest = remainder
    var digits = ""
    while rest > 0 && digits.utf8.count < places {
      let (digit, next) = (rest * 10).quotientAndRemainder(dividingBy: bottom)
      digits += String(digit)
      rest = next
    }
    let point = digits.isEmpty ? "" : "."
    return (sign + String(whole) + point + digits + (rest > 0 ? "…" : ""), rest == 0)
  }

  private static var tooManyDigits: ArithmeticError { .overflow(allowedDigits: allowedDigits) }

  private static func product(_ left: Int128, _ right: Int128) throws(ArithmeticError) -> Int128 {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    guard !overflow else { throw tooManyDigits }
    return product
  }

  /// Euclid's algorithm; positive also where one side is zero.
  private static func greatestCommonDivisor(_ left: Int128, _ right: Int128) -> Int128 {
    var (larger, smaller) = (left.magnitude, right.magnitude)
    while smaller > 0 { (larger, smaller) = (smaller, larger % smaller) }
    return Int128(larger)
  }
}
