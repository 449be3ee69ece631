internal import Bytes
internal import Glibc

/// Where the sender's time stands in an event's data, and on which clock.
struct SentTime: Equatable, Sendable {
  /// The unit of the number.
  enum Unit: String, CaseIterable, Sendable {
    case nanoseconds = "ns"
    case microseconds = "us"
    case milliseconds = "ms"
    case seconds = "s"

    var nanoseconds: UInt64 {
      switch self {
      case .nanoseconds: 1
      case .microseconds: 1_000
      case .milliseconds: 1_000_000
      case .seconds: 1_000_000_000
      }
    }
  }

  /// What the sender read.
  enum Clock: String, CaseIterable, Sendable {
    /// Time since 1970; the hosts' clocks have to agree.
    case wall
    /// CLOCK_MONOTONIC of this very machine.
    case monotonic
  }

  /// The name of the JSON member, in quotation marks.
  let quotedName: [UInt8]
  let unit: Unit
  let clock: Clock

  init(field: String, unit: Unit, clock: Clock) {
    quotedName = Array("\"\(field)\"".utf8)
    self.unit = unit
    self.clock = clock
  }

  /// The clock now, in nanoseconds.
  ///
  /// clock_gettime(2).
  var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock == .wall ? CLOCK_REALTIME : CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The time in an event's data, in nanoseconds; `nil` where there is none.
  ///
  /// The member may stand at any depth. A string is never followed by a colon unless it is a member's name, so the name
  /// with its quotation marks is looked for instead of parsing everything before it.
  func nanoseconds(in data: Span<UInt8>) -> UInt64? {
    var index = 0
    while let quote = data.firstIndex(of: UInt8(ascii: "\""), from: index) {
      index = quote + 1
      let end = quote + quotedName.count
      guard end < data.count, data.extracting(quote..<end).equals(quotedName.span) else { continue }
      var place = Self.skipSpace(data, from: end)
      guard place < data.count, data[place] == ASCII.colon else { continue }
      place = Self.skipSpace(data, from: place + 1)
      // Numbers of 64 bits travel as strings where JavaScript is to read them.
      if place < data.count, data[place] == UInt8(ascii: "\"") { place += 1 }
      return number(data, at: place)
    }
    return nil
  }

  /// A decimal number with an optional fraction.
  private func number(_ data: Span<UInt8>, at start: Int) -> UInt64? {
    var index = start
    var whole: UInt64 = 0
    while index < data.count, let digit = ASCII.digit(data[index]), index - start < 19 {
      whole = whole * 10 + UInt64(digit)
      index += 1
    }
    let (product, overflows) = whole.multipliedReportingOverflow(by: unit.nanoseconds)
    guard index > start, !overflows else { return nil }
    guard index < data.count, data[index] == UInt8(ascii: ".") else { return product }
    var fraction: UInt64 = 0
    var scale = unit.nanoseconds
    index += 1
    while index < data.count, let digit = ASCII.digit(data[index]), scale > 1 {
      scale /= 10
      fraction += UInt64(digit) * scale
      index += 1
    }
    return product &+ fraction
  }

  private static func skipSpace(_ data: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < data.count, data[index] == ASCII.space || data[index] == ASCII.tab { index += 1 }
    return index
  }
}
