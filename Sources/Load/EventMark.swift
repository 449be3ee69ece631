internal import Bytes

/// What an event id of the form `<name>.<seq>` says: which stream, and which place in it.
struct EventMark: Equatable, Sendable {
  /// A digest of the name; two streams of one client are told apart by it.
  let stream: UInt64
  let sequence: UInt64

  /// `nil` where the id has another form: no dot, no name before it, or no number of at most 18 digits behind it.
  init?(_ id: Span<UInt8>) {
    var index = id.count
    var sequence: UInt64 = 0
    var scale: UInt64 = 1
    while index > 0, let digit = ASCII.digit(id[index - 1]) {
      guard id.count - index < 18 else { return nil }
      sequence += UInt64(digit) * scale
      scale *= 10
      index -= 1
    }
    guard index < id.count, index > 1, id[index - 1] == UInt8(ascii: ".") else { return nil }
    stream = Self.digest(id.extracting(..<(index - 1)))
    self.sequence = sequence
  }

  init(stream: UInt64, sequence: UInt64) {
    self.stream = stream
    self.sequence = sequence
  }

  /// A number for a text; different texts practically never have the same.
  static func digest(_ text: Span<UInt8>) -> UInt64 {
    var state = UInt64(text.count) &* 0x9E37_79B9_7F4A_7C15
    var index = 0
    while index &+ 8 <= text.count {
      state = SplitMix.mixed(state ^ text.word(at: index).bits)
      index &+= 8
    }
    var rest: UInt64 = 0
    while index < text.count {
      rest = rest << 8 | UInt64(text[index])
      index &+= 1
    }
    return SplitMix.mixed(state ^ rest &+ 0x9E37_79B9_7F4A_7C15)
  }
}

/// Follows the marks of one client's events, over reconnects too, and finds what is missing or came twice.
struct Continuity: Equatable, Sendable {
  /// What an event's mark says about those before it.
  enum Finding: Equatable {
    /// The next one, or the first of its stream.
    case expected
    /// So many before it never came.
    case lost(UInt64)
    /// It came before.
    case duplicated
  }

  private var last: EventMark?

  /// Takes an event.
  mutating func take(_ mark: EventMark) -> Finding {
    guard let last, last.stream == mark.stream else {
      last = mark
      return .expected
    }
    guard mark.sequence > last.sequence else { return .duplicated }
    self.last = mark
    let missing = mark.sequence - last.sequence - 1
    return missing == 0 ? .expected : .lost(missing)
  }

  /// Takes an id without an event, which begins a stream: what follows is counted from there.
  ///
  /// Within a stream that is known it says nothing: a server that resumes elsewhere does not make up for a loss.
  mutating func begin(_ mark: EventMark) {
    if last?.stream != mark.stream { last = mark }
  }

  /// Begins anew.
  mutating func forget() {
    last = nil
  }
}
