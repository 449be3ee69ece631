/// What the log of one run keeps for readers that come later or come back; the oldest events go first.
public struct LogBoundsSettings: Sendable, Equatable {
  /// How many bytes; 4 KiB to 1 GiB and at least `StreamSettings.clientBufferBytes`.
  public var bytes: Int
  /// How many events; 10 to 10,000,000.
  public var events: Int
  /// For how long an event is kept; 1 s to 1 d.
  public var age: Duration

  /// Puts a log's bounds together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - bytes: how many bytes are kept.
  ///   - events: how many events are kept.
  ///   - age: for how long an event is kept.
  public init(bytes: Int, events: Int, age: Duration) {
    self.bytes = bytes
    self.events = events
    self.age = age
  }

  /// What holds where the file says nothing.
  public static let `default` = LogBoundsSettings(bytes: 1024 * 1024, events: 10_000, age: .seconds(600))
}

extension LogBoundsSettings {
  init(_ reader: SettingsReader) {
    let standard = LogBoundsSettings.default
    self.init(
      bytes: reader.byteCount(
        "bytes", default: standard.bytes, in: 4 * 1024...1024 * 1024 * 1024,
        "How many bytes; at least client_buffer, at most budget."),
      events: reader.count("events", default: standard.events, in: 10...10_000_000, "How many events."),
      age: reader.duration(
        "age", default: standard.age, in: .seconds(1) ... .seconds(86400), "For how long an event is kept."))
  }
}
