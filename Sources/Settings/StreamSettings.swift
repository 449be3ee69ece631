/// How event streams are kept and written.
public struct StreamSettings: Sendable, Equatable {
  /// How many bytes one reader may lag before it is slow; 4 KiB to 64 MiB.
  public var clientBufferBytes: Int
  /// The largest event taken from an upstream; 1 KiB to 16 MiB and at most `clientBufferBytes`.
  public var eventSizeBytes: Int
  /// What one run keeps for readers that come later or come back.
  public var log: LogBoundsSettings
  /// How many bytes all logs may hold together; 1 MiB to 1024 GiB and at least `log.bytes`.
  public var budgetBytes: Int
  /// How long a finished run can still be joined and resumed; 0 to 1 d.
  public var keepFinished: Duration
  /// After how long without anything written a comment is; 1 s to 10 min.
  public var heartbeat: Duration
  /// The reconnection times told to clients.
  public var retry: RetrySettings
  /// The names of the events that end a run; 1 to 64, each at most 128 bytes.
  public var terminalEvents: [String]
  /// The field of an event's JSON data that names it; at most 128 bytes.
  public var terminalField: String

  /// Puts stream settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - clientBufferBytes: how many bytes one reader may lag.
  ///   - eventSizeBytes: the largest event taken from an upstream.
  ///   - log: what one run keeps for readers that come later or come back.
  ///   - budgetBytes: how many bytes all logs may hold together.
  ///   - keepFinished: how long a finished run can still be joined and resumed.
  ///   - heartbeat: after how long without anything written a comment is.
  ///   - retry: the reconnection times told to clients.
  ///   - terminalEvents: the names of the events that end a run.
  ///   - terminalField: the field of an event's JSON data that names it.
  public init(
    clientBufferBytes: Int, eventSizeBytes: Int, log: LogBoundsSettings, budgetBytes: Int, keepFinished: Duration,
    heartbeat: Duration, retry: RetrySettings, terminalEvents: [String], terminalField: String
  ) {
    self.clientBufferBytes = clientBufferBytes
    self.eventSizeBytes = eventSizeBytes
    self.log = log
    self.budgetBytes = budgetBytes
    self.keepFinished = keepFinished
    self.heartbeat = heartbeat
    self.retry = retry
    self.terminalEvents = terminalEvents
    self.terminalField = terminalField
  }

  /// What holds where the file says nothing.
  public static let `default` = StreamSettings(
    clientBufferBytes: 256 * 1024, eventSizeBytes: 128 * 1024, log: .default, budgetBytes: 256 * 1024 * 1024,
    keepFinished: .seconds(300), heartbeat: .seconds(15), retry: .default,
    terminalEvents: ["completed", "error"], terminalField: "event")
}

extension StreamSettings {
  init(_ reader: SettingsReader) {
    let standard = StreamSettings.default
    let name = "a name of 1 to 128 bytes without control characters"
    self.init(
      clientBufferBytes: reader.byteCount(
        "client_buffer", default: standard.clientBufferBytes, in: 4 * 1024...64 * 1024 * 1024,
        "How far one reader may lag; what becomes of it then is its route's slow_readers."),
      eventSizeBytes: reader.byteCount(
        "event_size", default: standard.eventSizeBytes, in: 1024...16 * 1024 * 1024,
        "The largest event taken from an upstream; at most client_buffer."),
      log: reader.section("log", "What one run keeps for readers that come later or come back; the oldest go first.") {
        LogBoundsSettings($0)
      },
      budgetBytes: reader.byteCount(
        "budget", default: standard.budgetBytes, in: 1024 * 1024...1024 * 1024 * 1024 * 1024,
        "How much all logs may hold together, at least log.bytes; finished runs give way first, oldest first."),
      keepFinished: reader.duration(
        "keep_finished", default: standard.keepFinished, in: .zero ... .seconds(86400),
        "How long a finished run can still be joined and resumed; 0s = not at all."),
      heartbeat: reader.duration(
        "heartbeat", default: standard.heartbeat, in: .seconds(1) ... .seconds(600),
        "After so long without anything written, a comment keeps proxies from cutting the stream."),
      retry: RetrySettings.read(reader),
      terminalEvents: reader.values(
        "terminal_events", default: standard.terminalEvents, count: 1...64, allowed: name,
        "The events that end a run; [DONE] always does."
      ) { text throws(Mismatch) in try StreamSettings.name(text, allowed: name) },
      terminalField: reader.text(
        "terminal_field", default: standard.terminalField, allowed: name,
        "The field of an event's JSON data that names it, beside the event field of the stream."
      ) { try? StreamSettings.name($0, allowed: name) })
    if reader.isClean { refuseContradictions(reader) }
  }

  private func refuseContradictions(_ reader: SettingsReader) {
    func size(_ bytes: Int) -> String { UnitScale.bytes.text(for: Int64(bytes)) }
    if eventSizeBytes > clientBufferBytes {
      reader.refuse(
        "event_size", or: "client_buffer", given: size(eventSizeBytes),
        allowed: "at most client_buffer, which is \(size(clientBufferBytes))")
    }
    if log.bytes < clientBufferBytes {
      reader.refuse(
        "log.bytes", or: "client_buffer", given: size(log.bytes),
        allowed: "at least client_buffer, which is \(size(clientBufferBytes))")
    }
    if budgetBytes < log.bytes {
      reader.refuse(
        "budget", or: "log.bytes", given: size(budgetBytes), allowed: "at least log.bytes, which is \(size(log.bytes))")
    }
  }

  private static func name(_ text: String, allowed: String) throws(Mismatch) -> String {
    guard isName(text) else { throw Mismatch(allowed) }
    return text
  }

  /// Whether a text may name a type of events or a member of their data.
  static func isName(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
  }
}
