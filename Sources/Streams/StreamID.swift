internal import Bytes

/// The name of a run or a feed: 128 bits that nobody guesses, so that knowing one is the right to read it.
///
/// 16 of them say on which worker the stream lives, so that no table has to; the rest is random.
/// Written as 26 letters and digits (RFC 4648 base32, lower case, no padding), which survive URLs, logs and a
/// double click.
public struct StreamID: Hashable, Sendable, CustomStringConvertible {
  /// How long its text is.
  public static let textBytes = 26
  private let high: UInt64
  private let low: UInt64

  /// A new name from the system's random number generator.
  ///
  /// getrandom(2).
  ///
  /// - Parameter home: the 16 bits that say on which worker the stream lives; the other 112 are random.
  public init(home: UInt16 = .random(in: 0...UInt16.max)) {
    var generator = SystemRandomNumberGenerator()
    let low: UInt64 = generator.next()
    self.init(high: generator.next(), low: low & ~0xFFFF | UInt64(home))
  }

  /// What says on which worker the stream lives: the remainder of a division by the number of workers.
  public var home: UInt16 { UInt16(truncatingIfNeeded: low) }

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A name from its text; `nil` for anything that `text` would not give.
  public init?(_ text: Span<UInt8>) {
    guard text.count == Self.textBytes else { return nil }
    var bits: (high: UInt64, low: UInt64) = (0, 0)
    for index in text.indices {
      guard let value = Self.value(of: text[index]) else { return nil }
      // 26 letters hold 130 bits: the first two are always zero.
      if index == 0, value > 7 { return nil }
      bits.high = bits.high << 5 | bits.low >> 59
      bits.low = bits.low << 5 | UInt64(value)
    }
    self.init(high: bits.high, low: bits.low)
  }

  /// The text, 26 bytes.
  public var text: [UInt8] {
    var (high, low) = (high, low)
    var letters = [UInt8](repeating: 0, count: Self.textBytes)
    for index in letters.indices.reversed() {
      let value = UInt8(low & 31)
      letters[index] = value < 26 ? 0x61 + value : 0x32 + value - 26
      low = low >> 5 | high << 59
      high >>= 5
    }
    return letters
  }

  /// The text.
  public var description: String { String(text.span) }

  private static func value(of letter: UInt8) -> UInt8? {
    switch letter {
    case 0x61...0x7A: letter - 0x61
    case 0x32...0x37: letter - 0x32 + 26
    default: nil
    }
  }
}
