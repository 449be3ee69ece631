import Testing

@testable import Demo

@Suite struct ArithmeticTests {
  /// Computes a text as the agent does and writes the value with twelve places.
  private func value(of text: String) throws(ArithmeticError) -> String {
    try Arithmetic.value(of: try SymbolScanner.symbols(of: text)).decimal(places: 12).text
  }

  @Test(
    "a calculation has one value",
    arguments: [
      ("2+2", "4"), ("What's 2+2?", "4"), ("what’s 2 + 2 ?", "4"), ("what is 6 times 7", "42"), ("7", "7"),
      ("1-2-3", "-4"), ("100/10/5", "2"), ("2*3+4*5", "26"), ("2+3*4", "14"), ("(2+3)*4", "20"), ("((7))", "7"),
      ("7%3", "1"), ("-7%3", "-1"), ("7.5%2", "1.5"), ("2*7%4", "2"),
      ("2^10", "1024"), ("2^3^2", "512"), ("-2^2", "-4"), ("(-2)^2", "4"), ("2^-2", "0.25"), ("0^0", "1"),
      ("(-1)^1000000000001", "-1"), ("1.5^2", "2.25"), ("2**8", "256"),
      ("-3", "-3"), ("--3", "3"), ("3--2", "5"), ("+4", "4"), ("2*-3", "-6"), ("-(1+2)", "-3"),
      ("0.1+0.2", "0.3"), (".5+1.", "1.5"), ("1/4", "0.25"), ("1/3", "0.333333333333…"), ("-2/3", "-0.666666666666…"),
      ("1/3*3", "1"), ("10-0.001", "9.999"), ("1/8192", "0.000122070312…"),
      ("ten minus four", "6"), ("9 divided by 3", "3"), ("3 multiplied by three", "9"), ("5 squared", "25"),
      ("2 cubed", "8"), ("2 to the power of 5", "32"), ("17 mod 5", "2"), ("3 x 4", "12"), ("6×7", "42"),
      ("84÷2", "42"), ("5−8", "-3"), ("Calculate 1 plus 1 please", "2"), ("20/4=", "5"),
      ("99999999999999999999 * 99999999999", "9999999999899999999900000000001"),
      ("2^119", "664613997892457936451903530140172288"),
    ])
  func computes(text: String, expected: String) throws {
    #expect(try value(of: text) == expected)
  }

  @Test(
    "a calculation without a value says what is wrong",
    arguments: [
      ("", ArithmeticError.missingNumber(after: nil)),
      ("2+", .missingNumber(after: "+")),
      ("*2", .missingNumber(after: nil)),
      ("2*/3", .missingNumber(after: "*")),
      ("()", .missingNumber(after: "(")),
      ("2^", .missingNumber(after: "^")),
      ("1.2.3", .missingOperator(before: "0.3")),
      ("2 3", .missingOperator(before: "3")),
      ("2(3)", .missingOperator(before: "(")),
      ("(1 2)", .missingOperator(before: "2")),
      ("(1+2", .unclosedParenthesis),
      ("1+2)", .unopenedParenthesis),
      ("2 apples + 3", .unknownWord("apples")),
      ("2 & 3", .unknownSign("&")),
      ("1,000", .unknownSign(",")),
      ("٣+1", .unknownSign("٣")),
      ("2 + . 5", .unknownSign(".")),
      ("1/0", .divisionByZero),
      ("5%0", .divisionByZero),
      ("1/(2-2)", .divisionByZero),
      ("0^-1", .divisionByZero),
      ("2^0.5", .fractionalExponent),
      ("2^120", .overflow(allowedDigits: 36)),
      ("10^36", .overflow(allowedDigits: 36)),
      ("10^-36", .overflow(allowedDigits: 36)),
      ("9^999999999999", .overflow(allowedDigits: 36)),
      ("10^35*10^35", .overflow(allowedDigits: 36)),
      (String(repeating: "9", count: 37), .overflow(allowedDigits: 36)),
      (String(repeating: "9", count: 400), .overflow(allowedDigits: 36)),
      ("0." + String(repeating: "1", count: 36), .overflow(allowedDigits: 36)),
    ])
  func refuses(text: String, expected: ArithmeticError) {
    #expect(throws: expected) { try value(of: text) }
  }

  @Test func `numbers reach 36 digits`() throws {
    let most = String(repeating: "9", count: 36)
    #expect(try value(of: most) == most)
    #expect(try value(of: "-\(most)") == "-\(most)")
    #expect(throws: ArithmeticError.overflow(allowedDigits: 36)) { try value(of: "\(most)+1") }
  }

  @Test func `digits are found for the smallest fraction that is kept`() throws {
    let least = try Fraction(1, over: 100_000_000_000_000_000_000_000_000_000_000_000)
    let (text, isExact) = least.decimal(places: 35)
    #expect(text == "0." + String(repeating: "0", count: 34) + "1")
    #expect(isExact)
  }

  @Test(
    "nesting is followed to its bound and no further",
    arguments: [("(", ")"), ("-", ""), ("1^", "")])
  func nesting(opening: String, closing: String) throws {
    func nested(_ levels: Int) -> String {
      String(repeating: opening, count: levels) + "1" + String(repeating: closing, count: levels)
    }
    let allowed = Arithmetic.allowedLevels
    _ = try value(of: nested(allowed - 1))
    #expect(throws: ArithmeticError.tooDeep(allowedLevels: allowed)) { try value(of: nested(allowed)) }
  }

  @Test func `a calculation is read to its longest length and no further`() throws {
    let allowed = SymbolScanner.allowedSymbols
    let longest = "1" + String(repeating: "+1", count: allowed / 2 - 1) + "+"
    #expect(try SymbolScanner.symbols(of: longest).count == allowed)
    #expect(throws: ArithmeticError.tooLong(allowedSymbols: allowed)) { try SymbolScanner.symbols(of: longest + "1+1") }
    #expect(throws: ArithmeticError.tooLong(allowedSymbols: allowed)) { try SymbolScanner.symbols(of: longest + "1") }
  }

  @Test(
    "a calculation is written in one way",
    arguments: [
      ("2+2", "2 + 2"), ("2 * -3", "2 * -3"), ("( 1+2 )^ 2", "(1 + 2)^2"), ("-(3)-.5", "-(3) - 0.5"), ("2 3", "2 3"),
      ("two times three", "2 * 3"), ("2^-1", "2^-1"), ("2(3)4", "2 (3) 4"), ("2+", "2 +"),
    ])
  func line(text: String, expected: String) throws {
    #expect(try SymbolScanner.symbols(of: text).line == expected)
  }

  @Test(
    "the agent answers with the result, or with the reason why there is none",
    arguments: [
      ("What's 2+2?", "2 + 2 = 4"),
      ("1/3", "1 / 3 = 0.33333333333333333333… (exactly 1/3)"),
      ("5/0", "I cannot compute 5 / 0: nothing can be divided by zero."),
      ("10^99", "I cannot compute 10^99: I keep up to 36 digits, and it needs more."),
      ("2 + 3 apples", "I cannot compute that: I do not know the word apples."),
      ("2+", "I cannot compute 2 +: a number is missing after +."),
    ])
  func answers(message: String, expected: String) {
    #expect(MathAgent.answer(to: message) == expected)
  }
}
