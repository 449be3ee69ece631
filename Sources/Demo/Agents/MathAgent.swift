// The agent that computes, and says in words why it cannot.

/// Answers calculations.
enum MathAgent {
  /// The digits after the point that an answer shows.
  private static let places = 20

  /// Whether a message is a calculation, or is near enough to one that an explanation is the best answer.
  static func recognizes(_ message: String) -> Bool {
    if let symbols = try? SymbolScanner.symbols(of: message) {
      return symbols.contains { if case .number = $0 { true } else { false } }
    }
    let signs: Set<Character> = ["+", "*", "/", "^", "%", "=", "×", "÷"]
    return message.contains(where: \.isNumber) && message.contains(where: signs.contains)
  }

  /// The answer to a calculation, as a sentence.
  static func answer(to message: String) -> String {
    let symbols: [Symbol]
    do throws(ArithmeticError) {
      symbols = try SymbolScanner.symbols(of: message)
    } catch {
      return "I cannot compute that: \(explanation(of: error))."
    }
    do throws(ArithmeticError) {
      let value = try Arithmetic.value(of: symbols)
      let (decimal, isExact) = value.decimal(places: places)
      let exactly = isExact ? "" : " (exactly \(value.numerator)/\(value.denominator))"
      return "\(symbols.line) = \(decimal)\(exactly)"
    } catch {
      return "I cannot compute \(symbols.line): \(explanation(of: error))."
    }
  }

  private static func explanation(of error: ArithmeticError) -> String {
    switch error {
    case .tooLong(let allowed): "it has more than \(allowed) numbers and signs"
    case .tooDeep(let allowed): "it is nested more than \(allowed) levels deep"
    case .unknownWord(let word): "I do not know the word \(word)"
    case .unknownSign(let sign): "I do not know the sign \(sign)"
    case .missingNumber(nil): "it does not begin with a number"
    case .missingNumber(let sign?): "a number is missing after \(sign)"
    case .missingOperator(let value): "a sign is missing before \(value)"
    case .unclosedParenthesis: "a parenthesis is not closed"
    case .unopenedParenthesis: "a parenthesis is closed that was never opened"
    case .divisionByZero: "nothing can be divided by zero"
    case .overflow(let allowed): "I keep up to \(allowed) digits, and it needs more"
    case .fractionalExponent: "I take no roots, an exponent has to be a whole number"
    }
  }
}
