/// How many in how long, such as `10/s`.
public struct Rate: Sendable, Equatable {
  /// The times that a rate may be told in.
  public enum Unit: String, CaseIterable, Sendable {
    /// A second.
    case second = "s"
    /// A minute.
    case minute = "m"
    /// An hour.
    case hour = "h"

    /// Its length in seconds.
    public var seconds: Int {
      switch self {
      case .second: 1
      case .minute: 60
      case .hour: 3600
      }
    }
  }

  /// How many; 1 to `maximum`.
  public let count: Int
  /// In how long.
  public let unit: Unit

  /// The largest count.
  public static let maximum = 1_000_000
  /// What a text may be, for problems.
  public static let allowed = "a whole number from 1 to \(maximum) and its unit (/s, /m, /h), such as 10/s"

  /// Puts a rate together.
  ///
  /// - Parameters:
  ///   - count: how many; 1 to `maximum`.
  ///   - unit: in how long.
  public init(count: Int, unit: Unit) {
    precondition((1...Rate.maximum).contains(count), "a rate has a count of 1 to \(Rate.maximum)")
    self.count = count
    self.unit = unit
  }

  /// Reads a rate as it stands in the settings; `nil` for everything else.
  ///
  /// - Parameter text: such as `10/s`, `600/m` or `1000/h`.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
      let count = Int(parts[0]), (1...Rate.maximum).contains(count), let unit = Unit(rawValue: String(parts[1]))
    else { return nil }
    self.init(count: count, unit: unit)
  }

  /// How many there may be at once where nothing else is said: those of one second, rounded up.
  public var defaultBurst: Int {
    (count + unit.seconds - 1) / unit.seconds
  }

  /// How many there are in a time, rounded up.
  public func count(in time: Duration) -> Int {
    let (seconds, attoseconds) = time.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let milliseconds = UInt128(seconds) * 1000 + UInt128((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    let unitMilliseconds = UInt128(unit.seconds) * 1000
    return Int(clamping: (milliseconds * UInt128(count) + unitMilliseconds - 1) / unitMilliseconds)
  }
}

extension Rate: CustomStringConvertible {
  /// The rate as it stands in the settings.
  public var description: String { "\(count)/\(unit.rawValue)" }
}
