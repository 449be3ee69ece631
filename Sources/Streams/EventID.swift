internal import Bytes

/// The id that the gateway gives to events: `<stream>.<sequence>`, so that a reader's last id names its stream.
public struct EventID: Hashable, Sendable {
  /// The run or feed.
  public let stream: StreamID
  /// The event's place in it, from 1; zero is the place before the first.
  public let sequence: UInt64

  /// The sequence of the place behind the last event, written `end`: whoever has it has been told that the run is gone.
  public static let endOfRun = UInt64.max

  /// What stands for `endOfRun` in an id.
  public static let endText: StaticString = "end"

  /// An id from the text that a client sends back as `Last-Event-ID`.
  ///
  /// It is `nil` for anything that no stream of ours has given out.
  public init?(_ text: Span<UInt8>) {
    // The longest sequence has 20 digits; a leading zero is nobody's but zero's own.
    let digits = text.count - StreamID.textBytes - 1
    guard digits >= 1, digits <= 20, text[StreamID.textBytes] == UInt8(ascii: "."),
      let stream = StreamID(text.extracting(first: StreamID.textBytes))
    else { return nil }
    self.stream = stream
    if text.extracting((StreamID.textBytes + 1)...).equals(Self.endText) {
      sequence = Self.endOfRun
      return
    }
    var sequence: UInt64 = 0
    for index in (StreamID.textBytes + 1)..<text.count {
      guard let digit = ASCII.digit(text[index]) else { return nil }
      let (shifted, overflows) = sequence.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) = shifted.addingReportingOverflow(UInt64(digit))
      guard !overflows, !overflowsToo else { return nil }
      sequence = sum
    }
    guard digits == 1 || text[StreamID.textBytes + 1] != UInt8(ascii: "0") else { return nil }
    self.sequence = sequence
  }
}
