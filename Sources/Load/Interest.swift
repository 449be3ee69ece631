internal import Bytes
internal import Wire

/// What of the events is looked at; everything else is passed over unread.
struct Interest: Equatable, Sendable {
  /// Whether the last id is kept, to resume from.
  var keepsID = false
  /// The words that end a run, as an event's type or as the string of the JSON member `terminalField`; empty where
  /// streams are held.
  var terminals: [[UInt8]] = []
  /// The JSON member of data that may hold a terminal word, also called the event's kind.
  var terminalField = Array("event".utf8)
  /// Where the sender's time stands.
  var sentTime: SentTime?

  /// The data that ends a stream of the OpenAI kind.
  private static let done: StaticString = "[DONE]"

  /// Whether data has to be kept until its event ends.
  var wantsData: Bool { sentTime != nil || !terminals.isEmpty }

  /// What an event type means.
  func kind(ofType type: Span<UInt8>) -> ScannedEvent.Kind {
    if type.equals("sluice.busy") { return .busy }
    if type.equals("sluice.evicted") { return .evicted }
    if type.equals("sluice.gap") { return .gap }
    for terminal in terminals where type.equals(terminal.span) { return .terminal }
    return .plain
  }

  /// Whether data ends a run.
  func isTerminal(_ data: Span<UInt8>) -> Bool {
    guard !terminals.isEmpty else { return false }
    if data.equals(Self.done) { return true }
    guard !data.isEmpty, data[0] == UInt8(ascii: "{"),
      let range = JSONScanner.topLevelString(terminalField.span, of: data)
    else { return false }
    for terminal in terminals where JSONScanner.stringEquals(data.extracting(range), terminal.span) { return true }
    return false
  }
}

/// What the tester wants to know of one event.
struct ScannedEvent: Equatable {
  enum Kind: Equatable {
    /// An event like any other.
    case plain
    /// The last one of a run.
    case terminal
    /// The gateway refuses the client within the stream.
    case busy
    /// The gateway takes the client's place back.
    case evicted
    /// The gateway says that events were left out.
    case gap
    /// No event, but an id that stands alone and tells the place in the stream.
    case place
  }

  var kind = Kind.plain
  /// What the event's own id says.
  var mark: EventMark?
  /// A digest of the event's own id, zero where it has none.
  var idDigest: UInt64 = 0
  /// The sender's time.
  var sentNanoseconds: UInt64?
  /// The name of the limit in the data of `busy` and `evicted`.
  var limit: String?
}

/// The name of the limit that a refusal names: the member `limit` of a JSON object.
enum LimitName {
  /// `nil` where there is no such member or it is not a string.
  static func read(_ json: Span<UInt8>) -> String? {
    let name = Array("limit".utf8)
    guard let range = JSONScanner.topLevelString(name.span, of: json) else { return nil }
    var text: [UInt8] = []
    JSONScanner.append(unescaped: json.extracting(range), to: &text)
    return String(text.span)
  }
}
