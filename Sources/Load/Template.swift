internal import Bytes

/// Text with places that are filled in for every request: `{n}`, `{i}`, `{random}`, `{uuid}`, `{domain}`.
///
/// Every other brace stands for itself, so that JSON can be written as it is.
struct Template: Equatable, Sendable {
  /// What can be filled in.
  enum Variable: String, CaseIterable {
    /// The client's number, from 1.
    case client = "n"
    /// The request's number over all clients, from 1; a reconnect is the same request.
    case request = "i"
    /// 16 hexadecimal digits, the same wherever they stand in one request.
    case random
    /// A version 4 UUID (RFC 9562 §5.4), the same wherever it stands in one request.
    case uuid
    /// The domain of the request, without a port.
    case domain
  }

  private enum Piece: Equatable {
    case literal([UInt8])
    case variable(Variable)
  }

  private var pieces: [Piece] = []

  /// Which variables occur.
  private(set) var variables: Set<Variable> = []

  /// Reads a template; every text is one.
  init(_ text: Span<UInt8>) {
    var literal: [UInt8] = []
    var index = 0
    while index < text.count {
      if text[index] == UInt8(ascii: "{"), let end = text.firstIndex(of: UInt8(ascii: "}"), from: index),
        end - index <= 8, let variable = Variable(rawValue: String(text.extracting((index + 1)..<end)))
      {
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        literal = []
        pieces.append(.variable(variable))
        variables.insert(variable)
        index = end + 1
      } else {
        literal.append(text[index])
        index += 1
      }
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
  }

  /// Reads a template; every text is one.
  init(_ text: String) {
    self.init(Array(text.utf8).span)
  }

  /// Appends the text with everything filled in.
  func append(_ values: TemplateValues, to output: inout [UInt8]) {
    for piece in pieces {
      switch piece {
      case .literal(let bytes): output.append(contentsOf: bytes)
      case .variable(.client): output.append(decimal: UInt64(values.client))
      case .variable(.request): output.append(decimal: UInt64(values.request))
      case .variable(.random): Self.append(hexadecimal: values.draws.0, digits: 16, to: &output)
      case .variable(.uuid): Self.append(uuid: values.draws, to: &output)
      case .variable(.domain): output.append(contentsOf: values.domain)
      }
    }
  }

  private static func append(hexadecimal value: UInt64, digits: Int, to output: inout [UInt8]) {
    for place in (0..<digits).reversed() {
      let digit = UInt8(value >> UInt64(place * 4) & 15)
      output.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }

  private static func append(uuid draws: (UInt64, UInt64), to output: inout [UInt8]) {
    let high = draws.0 & ~0xF000 | 0x4000
    let low = draws.1 & ~(0xC0 << 56) | 0x80 << 56
    append(hexadecimal: high >> 32, digits: 8, to: &output)
    for part in [high >> 16, high, low >> 48] {
      output.append(UInt8(ascii: "-"))
      append(hexadecimal: part & 0xFFFF, digits: 4, to: &output)
    }
    output.append(UInt8(ascii: "-"))
    append(hexadecimal: low & 0xFFFF_FFFF_FFFF, digits: 12, to: &output)
  }
}

/// What a template is filled in with.
struct TemplateValues {
  /// From 1.
  let client: Int
  /// From 1.
  let request: Int
  let domain: [UInt8]
  /// Two random numbers that belong to the request: whoever repeats it sends the same.
  let draws: (UInt64, UInt64)

  /// The values of a request.
  ///
  /// - Parameters:
  ///   - client: the client's number, from 1.
  ///   - request: the request's number, from 1.
  ///   - domain: without a port.
  ///   - seed: what makes one test's numbers differ from another's.
  init(client: Int, request: Int, domain: [UInt8], seed: UInt64) {
    self.client = client
    self.request = request
    self.domain = domain
    let start = SplitMix.mixed(seed ^ SplitMix.mixed(UInt64(client) << 40 ^ UInt64(request)))
    draws = (start, SplitMix.mixed(start &+ 1))
  }
}

/// Random numbers that a seed repeats (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// Spreads a number over all bits; different numbers stay different.
  static func mixed(_ value: UInt64) -> UInt64 {
    var value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
