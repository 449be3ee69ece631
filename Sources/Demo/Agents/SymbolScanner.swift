// A calculation as people write it, cut into pieces: signs, numbers, and a few words of English.

/// Reads a text as the pieces of a calculation.
struct SymbolScanner {
  /// The most pieces that are read.
  static let allowedSymbols = 256

  private let text: [Character]
  private var position = 0
  private var symbols: [Symbol] = []

  /// The pieces of a text, without the words and signs that only make it a question.
  ///
  /// - Parameter text: what was asked, in any case.
  /// - Returns: at most `allowedSymbols` pieces, none for a text without any.
  /// - Throws: `unknownWord`, `unknownSign`, `overflow` for a number with too many digits, `tooLong`.
  static func symbols(of text: String) throws(ArithmeticError) -> [Symbol] {
    var scanner = SymbolScanner(text)
    try scanner.read()
    return scanner.symbols
  }

  private init(_ text: String) {
    var characters = Array(text.lowercased())
    while let last = characters.last, last.isWhitespace || "?!.=".contains(last) { characters.removeLast() }
    self.text = characters
  }

  private mutating func read() throws(ArithmeticError) {
    while position < text.count {
      let character = text[position]
      if character.isWhitespace {
        position += 1
      } else if Self.isDigit(character) || character == "." {
        try readNumber()
      } else if character.isLetter {
        try readWord()
      } else {
        try readSign()
      }
      guard symbols.count <= Self.allowedSymbols else { throw .tooLong(allowedSymbols: Self.allowedSymbols) }
    }
  }

  private mutating func readNumber() throws(ArithmeticError) {
    let whole = take(while: Self.isDigit)
    var decimals = ""
    if position < text.count, text[position] == "." {
      position += 1
      decimals = take(while: Self.isDigit)
    }
    guard !whole.isEmpty || !decimals.isEmpty else { throw .unknownSign(".") }
    let allowed = Fraction.allowedDigits
    guard let digits = Int128(whole + decimals), decimals.utf8.count < allowed else {
      throw .overflow(allowedDigits: allowed)
    }
    var scale: Int128 = 1
    for _ in decimals.utf8 { scale *= 10 }
    let spelled = (whole.isEmpty ? "0" : whole) + (decimals.isEmpty ? "" : "." + decimals)
    symbols.append(.number(try Fraction(digits, over: scale), spelled: spelled))
  }

  private mutating func readSign() throws(ArithmeticError) {
    let character = text[position]
    position += 1
    switch character {
    case "+": symbols.append(.sign(.plus))
    case "-", "−", "–": symbols.append(.sign(.minus))
    case "*" where position < text.count && text[position] == "*":
      position += 1
      symbols.append(.sign(.power))
    case "*", "×", "·": symbols.append(.sign(.times))
    case "/", "÷": symbols.append(.sign(.over))
    case "%": symbols.append(.sign(.remainder))
    case "^": symbols.append(.sign(.power))
    case "(": symbols.append(.open)
    case ")": symbols.append(.close)
    default: throw .unknownSign(character)
    }
  }

  private mutating func readWord() throws(ArithmeticError) {
    let word = take { $0.isLetter || $0 == "'" || $0 == "’" }
    switch word {
    case "plus": symbols.append(.sign(.plus))
    case "minus": symbols.append(.sign(.minus))
    case "times", "multiplied", "x": symbols.append(.sign(.times))
    case "over", "divided": symbols.append(.sign(.over))
    case "mod", "modulo": symbols.append(.sign(.remainder))
    case "power": symbols.append(.sign(.power))
    case "squared": symbols += [.sign(.power), .number(Fraction(2), spelled: "2")]
    case "cubed": symbols += [.sign(.power), .number(Fraction(3), spelled: "3")]
    default:
      if let value = Self.numerals.firstIndex(of: word) {
        symbols.append(.number(Fraction(value), spelled: String(value)))
      } else if !Self.courtesies.contains(word) {
        throw .unknownWord(word)
      }
    }
  }

  private mutating func take(while belongs: (Character) -> Bool) -> String {
    let start = position
    while position < text.count, belongs(text[position]) { position += 1 }
    return String(text[start..<position])
  }

  private static func isDigit(_ character: Character) -> Bool {
    "0"..."9" ~= character && character.isASCII
  }

  /// Words for numbers, each at the place of its value.
  private static let numerals = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
  ]

  /// Words that make a calculation a question, or belong to the word of an operator.
  private static let courtesies: Set<String> = [
    "what's", "what’s", "whats", "what", "is", "are", "how", "much", "many", "please", "calculate", "compute", "solve",
    "evaluate", "equals", "the", "result", "of", "by", "to", "raised", "tell", "me", "do", "you", "know", "can",
  ]
}
