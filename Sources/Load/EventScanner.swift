internal import Bytes

/// Finds the events of an event stream (WHATWG HTML §9.2.6) and as much of each as somebody asks for.
///
/// Lines are found where they lie in the input and mostly not copied; only a line or an event that two inputs share is
/// kept from one to the next.
/// - Bound: `mostLineBytes` for a shared line and as much for shared data, where data is asked for; nothing while no
///   event is under way.
struct EventScanner {
  /// How much is kept of a line or of data that two inputs share; the rest is counted but not looked at.
  static let mostLineBytes = 1 << 20
  /// The same where nobody asks for data: enough for ids and types.
  static let mostNameBytes = 4096

  /// The last id that a block has ended with, where ids are kept (the standard's last event ID string).
  private(set) var lastID: [UInt8] = []
  /// The server's reconnection time.
  private(set) var retryMilliseconds: UInt32?
  /// Heartbeats mostly.
  private var comments: UInt64 = 0

  /// The beginning of a line whose end has not come.
  private var line: [UInt8] = []
  /// The data of the event under way, as far as earlier inputs or several lines brought it.
  private var data: [UInt8] = []
  /// The data of the event under way, where it is one line of this input.
  private var dataRange: Range<Int>?
  private var event = ScannedEvent()
  private var pendingID: [UInt8]?
  private var hasData = false
  private var isFirstLine = true
  private var skipsLineFeed = false

  /// A scanner at the start of a stream.
  init() {}

  /// Begins another answer of the same client: the last id and the reconnection time stay.
  mutating func beginAnswer() {
    line = []
    endBlock()
    isFirstLine = true
    skipsLineFeed = false
  }

  /// Forgets the last id: the next request is not a continuation.
  mutating func forgetID() {
    lastID = []
  }

  /// How many comments there were since this was last asked.
  mutating func takeComments() -> UInt64 {
    defer { comments = 0 }
    return comments
  }

  /// Goes on.
  ///
  /// - Parameters:
  ///   - input: a piece of the body.
  ///   - interest: the same for the whole stream.
  ///   - found: is given each event as it ends.
  mutating func scan(_ input: Span<UInt8>, _ interest: Interest, found: (ScannedEvent) -> Void) {
    var offset = 0
    if skipsLineFeed, !input.isEmpty {
      skipsLineFeed = false
      if input[0] == ASCII.lineFeed { offset = 1 }
    }
    var lineFeed = -1
    var carriageReturn = -1
    while offset < input.count {
      if lineFeed < offset { lineFeed = input.firstIndex(of: ASCII.lineFeed, from: offset) ?? input.count }
      if carriageReturn < offset {
        carriageReturn = input.firstIndex(of: ASCII.carriageReturn, from: offset) ?? input.count
      }
      let end = min(lineFeed, carriageReturn)
      guard end < input.count else { break }
      if line.isEmpty {
        take(input.extracting(offset..<end), at: offset, interest, found, input)
      } else {
        takeShared(input.extracting(offset..<end), interest, found)
      }
      offset = end + 1
      guard end == carriageReturn else { continue }
      if offset == input.count {
        skipsLineFeed = true
      } else if input[offset] == ASCII.lineFeed {
        offset += 1
      }
    }
    keep(input, from: offset, interest)
  }

  /// Keeps what the next input needs.
  private mutating func keep(_ input: Span<UInt8>, from offset: Int, _ interest: Interest) {
    if let range = dataRange {
      if wantsData(interest) { Self.append(input.extracting(range), to: &data, atMost: Self.mostLineBytes) }
      dataRange = nil
    }
    guard offset < input.count else { return }
    let bound = wantsData(interest) ? Self.mostLineBytes : Self.mostNameBytes
    Self.append(input.extracting(offset...), to: &line, atMost: bound)
  }

  private static func append(_ bytes: Span<UInt8>, to buffer: inout [UInt8], atMost bound: Int) {
    buffer.append(bytes.extracting(..<min(bytes.count, max(0, bound - buffer.count))))
  }

  private func wantsData(_ interest: Interest) -> Bool {
    interest.wantsData || event.kind == .busy || event.kind == .evicted
  }
}

// One line after the other.
extension EventScanner {
  /// Takes a line that two or more inputs share.
  private mutating func takeShared(_ rest: Span<UInt8>, _ interest: Interest, _ found: (ScannedEvent) -> Void) {
    let bound = wantsData(interest) ? Self.mostLineBytes : Self.mostNameBytes
    Self.append(rest, to: &line, atMost: bound)
    let whole = line
    line = []
    // No input has it in one piece: its data goes to the buffer.
    take(whole.span, at: nil, interest, found, whole.span)
  }

  /// Takes a line, which begins at `start` of the input where it lies in that.
  private mutating func take(
    _ whole: Span<UInt8>, at start: Int?, _ interest: Interest, _ found: (ScannedEvent) -> Void, _ input: Span<UInt8>
  ) {
    guard !whole.isEmpty else {
      isFirstLine = false
      return endEvent(interest, found, input)
    }
    var first = 0
    if isFirstLine {
      isFirstLine = false
      if whole.count >= 3, whole[0] == 0xEF, whole[1] == 0xBB, whole[2] == 0xBF { first = 3 }
      if whole.count == first { return endEvent(interest, found, input) }
    }
    let colon = whole.extracting(first..<min(whole.count, first + 6)).firstIndex(of: ASCII.colon)
    let nameEnd = colon.map { first + $0 } ?? whole.count
    let name = whole.extracting(first..<nameEnd)
    var value = min(nameEnd + 1, whole.count)
    if value < whole.count, whole[value] == ASCII.space { value += 1 }
    switch name.count {
    case 0: comments += 1
    case 2 where name.equals("id"): takeID(whole.extracting(value...), interest)
    case 4 where name.equals("data"):
      takeData(whole.extracting(value...), at: start.map { $0 + value }, interest, input)
    case 5 where name.equals("event"): event.kind = interest.kind(ofType: whole.extracting(value...))
    case 5 where name.equals("retry"): takeRetry(whole.extracting(value...))
    default: break
    }
  }

  private mutating func takeData(_ value: Span<UInt8>, at start: Int?, _ interest: Interest, _ input: Span<UInt8>) {
    let isFurtherLine = hasData
    hasData = true
    if !isFurtherLine, let start {
      dataRange = start..<(start + value.count)
      return
    }
    if let range = dataRange {
      Self.append(input.extracting(range), to: &data, atMost: Self.mostLineBytes)
      dataRange = nil
    }
    guard wantsData(interest) else { return }
    if isFurtherLine { data.append(ASCII.lineFeed) }
    Self.append(value, to: &data, atMost: Self.mostLineBytes)
  }

  /// An id with a NUL counts as none.
  private mutating func takeID(_ value: Span<UInt8>, _ interest: Interest) {
    guard value.firstIndex(of: 0) == nil, value.count < Self.mostNameBytes - 8 else { return }
    event.mark = EventMark(value)
    event.idDigest = value.isEmpty ? 0 : EventMark.digest(value) | 1
    if interest.keepsID { pendingID = [UInt8](value) }
  }

  /// Digits only; the longest is some 49 days.
  private mutating func takeRetry(_ value: Span<UInt8>) {
    var milliseconds: UInt64 = 0
    for index in value.indices {
      guard let digit = ASCII.digit(value[index]) else { return }
      milliseconds = min(milliseconds * 10 + UInt64(digit), UInt64(UInt32.max))
    }
    if !value.isEmpty { retryMilliseconds = UInt32(milliseconds) }
  }

  /// An empty line: the id counts in any case, the event only where it has data.
  private mutating func endEvent(
    _ interest: Interest, _ found: (ScannedEvent) -> Void, _ input: Span<UInt8>
  ) {
    if let pendingID { lastID = pendingID }
    if hasData {
      var ended = event
      if let dataRange {
        if wantsData(interest) { Self.judge(&ended, input.extracting(dataRange), interest) }
      } else {
        Self.judge(&ended, data.span, interest)
      }
      endBlock()
      found(ended)
      return
    }
    var place = ScannedEvent()
    place.mark = event.mark
    endBlock()
    guard place.mark != nil else { return }
    place.kind = .place
    found(place)
  }

  private static func judge(_ event: inout ScannedEvent, _ data: Span<UInt8>, _ interest: Interest) {
    event.sentNanoseconds = interest.sentTime?.nanoseconds(in: data)
    switch event.kind {
    case .plain: if interest.isTerminal(data) { event.kind = .terminal }
    case .busy, .evicted: event.limit = LimitName.read(data)
    case .terminal, .gap, .place: break
    }
  }

  private mutating func endBlock() {
    event = ScannedEvent()
    pendingID = nil
    hasData = false
    dataRange = nil
    if !data.isEmpty { data = [] }
  }
}
