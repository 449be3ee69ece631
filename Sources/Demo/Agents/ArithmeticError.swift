/// Why a calculation has no result.
enum ArithmeticError: Error, Equatable {
  /// More numbers, signs and parentheses than are read at once.
  case tooLong(allowedSymbols: Int)
  /// More parentheses, signs or exponents inside each other than are followed.
  case tooDeep(allowedLevels: Int)
  /// A word that has no meaning in a calculation.
  case unknownWord(String)
  /// A character that has no meaning in a calculation.
  case unknownSign(Character)
  /// A number or an opening parenthesis should follow here; `nil` at the very beginning.
  case missingNumber(after: String?)
  /// Two values stand next to each other.
  case missingOperator(before: String)
  /// The calculation ends within parentheses.
  case unclosedParenthesis
  /// A parenthesis is closed that was never opened.
  case unopenedParenthesis
  /// Nothing can be divided by zero.
  case divisionByZero
  /// A value or its denominator has more digits than are kept.
  case overflow(allowedDigits: Int)
  /// Roots are not computed: an exponent is a whole number.
  case fractionalExponent
}
