/// How event streams are kept and written.
public struct StreamSettings: Sendable, Equatable {
  /// How many bytes one reader may lag before it is disconnected; 4 KiB to 64 MiB.
  public let clientBufferBytes: Int
  /// The largest event taken from an upstream; 1 KiB to 16 MiB and at most `clientBufferBytes`.
  public let eventSizeBytes: Int
  /// After how long without anything written a comment is; 1 s to 10 min.
  public let heartbeat: Duration
  /// The reconnection time told to clients; 100 ms to 1 h.
  public let retry: Duration
  /// The names of the events that end a run; 1 to 64, each at most 128 bytes.
  public let terminalEvents: [String]
  /// The field of an event's JSON data that names it; at most 128 bytes.
  public let terminalField: String

  /// Puts stream settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - clientBufferBytes: how many bytes one reader may lag.
  ///   - eventSizeBytes: the largest event taken from an upstream.
  ///   - heartbeat: after how long without anything written a comment is.
  ///   - retry: the reconnection time told to clients.
  ///   - terminalEvents: the names of the events that end a run.
  ///   - terminalField: the field of an event's JSON data that names it.
  public init(
    clientBufferBytes: Int, eventSizeBytes: Int, heartbeat: Duration, retry: Duration, terminalEvents: [String],
    terminalField: String
  ) {
    self.clientBufferBytes = clientBufferBytes
    self.eventSizeBytes = eventSizeBytes
    self.heartbeat = heartbeat
    self.retry = retry
    self.terminalEvents = terminalEvents
    self.terminalField = terminalField
  }

  /// What holds where the file says nothing.
  public static let `default` = StreamSettings(
    clientBufferBytes: 256 * 1024, eventSizeBytes: 128 * 1024, heartbeat: .seconds(15), retry: .seconds(2),
    terminalEvents: ["completed", "error"], terminalField: "event")
}

extension StreamSettings {
  init(_ reader: SettingsReader) {
    let standard = StreamSettings.default
    let name = "a name of 1 to 128 bytes without control characters"
    self.init(
      clientBufferBytes: reader.byteCount(
        "client_buffer", default: standard.clientBufferBytes, in: 4 * 1024...64 * 1024 * 1024,
        "How far one reader may lag before it is disconnected; it may resume."),
      eventSizeBytes: reader.byteCount(
        "event_size", default: standard.eventSizeBytes, in: 1024...16 * 1024 * 1024,
        "The largest event taken from an upstream; at most client_buffer."),
      heartbeat: reader.duration(
        "heartbeat", default: standard.heartbeat, in: .seconds(1) ... .seconds(600),
        "After so long without anything written, a comment keeps proxies from cutting the stream."),
      retry: reader.duration(
        "retry", default: standard.retry, in: .milliseconds(100) ... .seconds(3600),
        "How long an EventSource waits before it reconnects."),
      terminalEvents: reader.values(
        "terminal_events", default: standard.terminalEvents, count: 1...64, allowed: name,
        "The events that end a run; [DONE] always does."
      ) { text throws(Mismatch) in try StreamSettings.name(text, allowed: name) },
      terminalField: reader.text(
        "terminal_field", default: standard.terminalField, allowed: name,
        "The field of an event's JSON data that names it, beside the event field of the stream."
      ) { try? StreamSettings.name($0, allowed: name) })
    if reader.isClean, eventSizeBytes > clientBufferBytes {
      reader.refuse(
        "event_size", or: "client_buffer", given: UnitScale.bytes.text(for: Int64(eventSizeBytes)),
        allowed: "at most client_buffer, which is \(UnitScale.bytes.text(for: Int64(clientBufferBytes)))")
    }
  }

  private static func name(_ text: String, allowed: String) throws(Mismatch) -> String {
    guard (1...128).contains(text.utf8.count), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
    else { throw Mismatch(allowed) }
    return text
  }
}
