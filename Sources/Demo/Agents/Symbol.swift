/// One piece of a calculation.
enum Symbol: Equatable {
  /// An operator, as it is written.
  enum Sign: Character {
    case plus = "+"
    case minus = "-"
    case times = "*"
    case over = "/"
    case remainder = "%"
    case power = "^"
  }

  /// A value, and how it was spelled.
  case number(Fraction, spelled: String)
  case sign(Sign)
  case open
  case close

  /// The piece as people write it.
  var text: String {
    switch self {
    case .number(_, let spelled): spelled
    case .sign(let sign): String(sign.rawValue)
    case .open: "("
    case .close: ")"
    }
  }
}

extension [Symbol] {
  /// The calculation in one line, with spaces around the operators that stand between two values, except the power.
  var line: String {
    var line = ""
    var afterValue = false
    for symbol in self {
      let text = symbol.text
      switch symbol {
      case .sign(.power), .close: line += text
      case .sign: line += afterValue ? " \(text) " : text
      case .number, .open: line += afterValue ? " \(text)" : text
      }
      switch symbol {
      case .number, .close: afterValue = true
      case .sign, .open: afterValue = false
      }
    }
    if line.last == " " { line.removeLast() }
    return line
  }
}
