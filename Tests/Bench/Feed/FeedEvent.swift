import Bytes
import Reactor

/// The events of the feed that many read: all of one size, each with its place in the feed and the moment it was sent.
///
/// All else is fixed, so that a reader can compare every byte: what is lost, doubled, moved or changed is found.
struct FeedEvent: Sendable {
  private static let opening: StaticString = #"{"event":"tick","place":""#
  private static let beforeMoment: StaticString = #"","sent":""#
  private static let digits = 20
  private static let fixedBytes = opening.utf8CodeUnitCount + beforeMoment.utf8CodeUnitCount + 2 * digits
  private let tail: [UInt8]

  /// Events of a size.
  ///
  /// - Parameter bytes: how long the data of each is, at least 128.
  init(bytes: Int) {
    precondition(bytes >= 128, "an event has room for its place and its moment")
    var tail = Array(#"","text":""#.utf8)
    let text = Array("So many words say how things are now. ".utf8)
    var index = 0
    while Self.fixedBytes + tail.count < bytes - 2 {
      tail.append(text[index % text.count])
      index += 1
    }
    tail.append("\"}")
    self.tail = tail
  }

  /// Appends the data of an event.
  ///
  /// - Parameters:
  ///   - place: which one, from 1.
  ///   - moment: now.
  ///   - output: where to.
  func appendData(_ place: UInt64, sent moment: Instant, to output: inout [UInt8]) {
    output.append(Self.opening)
    Self.append(padded: place, to: &output)
    output.append(Self.beforeMoment)
    Self.append(padded: moment.nanoseconds, to: &output)
    output.append(tail.span)
  }

  /// Appends an event in the form of an event stream, its place being its id.
  func append(_ place: UInt64, sent moment: Instant, to output: inout [UInt8]) {
    output.append("id: ")
    output.append(decimal: place)
    output.append("\ndata: ")
    appendData(place, sent: moment, to: &output)
    output.append("\n\n")
  }

  /// Reads the data of an event.
  ///
  /// - Returns: its place and when it was sent; `nil` where any byte is not that of an event of the feed.
  func read(_ data: Span<UInt8>) -> (place: UInt64, sent: Instant)? {
    guard data.count == Self.fixedBytes + tail.count else { return nil }
    let placeEnd = Self.opening.utf8CodeUnitCount + Self.digits
    let moment = placeEnd + Self.beforeMoment.utf8CodeUnitCount
    guard data.extracting(..<Self.opening.utf8CodeUnitCount).equals(Self.opening),
      data.extracting(placeEnd..<moment).equals(Self.beforeMoment),
      data.extracting(Self.fixedBytes...).equals(tail.span),
      let place = Self.number(data.extracting(Self.opening.utf8CodeUnitCount..<placeEnd)),
      let nanoseconds = Self.number(data.extracting(moment..<(moment + Self.digits)))
    else { return nil }
    return (place, Instant(nanoseconds: nanoseconds))
  }

  /// All numbers are equally long, so that all events are.
  private static func append(padded value: UInt64, to output: inout [UInt8]) {
    var rest = value
    let start = output.count
    output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
    var index = start + digits
    while rest > 0 {
      index -= 1
      output[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }

  private static func number(_ text: Span<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for index in text.indices {
      guard let digit = ASCII.digit(text[index]) else { return nil }
      value = value &* 10 &+ UInt64(digit)
    }
    return value
  }
}
