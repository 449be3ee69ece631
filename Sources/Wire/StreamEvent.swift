/// One event of an event stream, as the WHATWG HTML standard §9.2.6 has it interpreted.
public struct StreamEvent: Equatable, Sendable {
  /// The event type, valid UTF-8 without line ends; empty for the default, `message`.
  public internal(set) var type: [UInt8] = []
  /// The data, valid UTF-8, its lines joined by LF.
  public internal(set) var data: [UInt8] = []
  /// The last event ID as it stands at this event, set by this one or an earlier one; valid UTF-8.
  public internal(set) var id: [UInt8] = []
  /// Whether this very event had an `id` field that counts.
  public internal(set) var hasID = false

  /// Makes an event without type, data and id.
  public init() {}

  /// How much memory a buffer may keep from one event to the next, in bytes.
  static let keptBytes = 16_384

  /// Empties a buffer; one that has grown large is given back.
  static func empty(_ buffer: inout [UInt8]) {
    if buffer.capacity > keptBytes {
      buffer = []
    } else {
      buffer.removeAll(keepingCapacity: true)
    }
  }
}

/// Why a stream cannot be decoded any further.
public enum StreamViolation: Error, Equatable, Sendable {
  /// An event, or one of its lines, has more bytes than allowed.
  case eventTooLarge(givenAtLeast: Int, allowed: Int)

  /// What was wrong, as a sentence for people.
  public var reason: String {
    switch self {
    case .eventTooLarge(let given, let allowed):
      "an event has at least \(given) bytes, which is more than the \(allowed) allowed"
    }
  }
}
