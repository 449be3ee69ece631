// The value of a calculation: a parser by recursive descent that computes as it reads.

/// Computes the pieces of a calculation.
///
///     sum     = product { ("+" | "-") product }
///     product = signed { ("*" | "/" | "%") signed }
///     signed  = ("+" | "-") signed | power
///     power   = value [ "^" signed ]
///     value   = number | "(" sum ")"
///
/// So `^` binds more tightly than a sign on its left and groups to the right: `-2^2` is -4, `2^3^2` is 512.
struct Arithmetic {
  /// How far parentheses, signs and exponents may be nested: it bounds the recursion.
  static let allowedLevels = 64

  private let symbols: [Symbol]
  private var position = 0

  /// The value of a calculation.
  ///
  /// - Parameter symbols: its pieces, from a `SymbolScanner`.
  /// - Returns: the exact value.
  /// - Throws: what is wrong with it; the first mistake from the left.
  static func value(of symbols: [Symbol]) throws(ArithmeticError) -> Fraction {
    var arithmetic = Arithmetic(symbols: symbols)
    let value = try arithmetic.sum(level: 0)
    guard let rest = arithmetic.next else { return value }
    throw rest == .close ? .unopenedParenthesis : .missingOperator(before: rest.text)
  }

  private init(symbols: [Symbol]) {
    self.symbols = symbols
  }

  private var next: Symbol? {
    position < symbols.count ? symbols[position] : nil
  }

  private mutating func sum(level: Int) throws(ArithmeticError) -> Fraction {
    var value = try product(level: level)
    while case .sign(let sign)? = next, sign == .plus || sign == .minus {
      position += 1
      let right = try product(level: level)
      value = sign == .plus ? try value + right : try value - right
    }
    return value
  }

  private mutating func product(level: Int) throws(ArithmeticError) -> Fraction {
    var value = try signed(level: level)
    while case .sign(let sign)? = next, sign == .times || sign == .over || sign == .remainder {
      position += 1
      let right = try signed(level: level)
      switch sign {
      case .over: value = try value / right
      case .remainder: value = try value % right
      default: value = try value * right
      }
    }
    return value
  }

  private mutating func signed(level: Int) throws(ArithmeticError) -> Fraction {
    guard level < Self.allowedLevels else { throw .tooDeep(allowedLevels: Self.allowedLevels) }
    guard case .sign(let sign)? = next, sign == .plus || sign == .minus else { return try power(level: level) }
    position += 1
    let value = try signed(level: level + 1)
    return sign == .minus ? try value.negated() : value
  }

  private mutating func power(level: Int) throws(ArithmeticError) -> Fraction {
    let base = try value(level: level)
    guard next == .sign(.power) else { return base }
    position += 1
    return try base.raised(to: try signed(level: level + 1))
  }

  private mutating func value(level: Int) throws(ArithmeticError) -> Fraction {
    let before = position > 0 ? symbols[position - 1].text : nil
    switch next {
    case .number(let value, _):
      position += 1
      return value
    case .open:
      position += 1
      let value = try sum(level: level + 1)
      guard let end = next else { throw .unclosedParenthesis }
      guard end == .close else { throw .missingOperator(before: end.text) }
      position += 1
      return value
    case .sign, .close, nil:
      throw .missingNumber(after: before)
    }
  }
}
