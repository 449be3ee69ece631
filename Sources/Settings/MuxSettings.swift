/// How many event streams one connection may carry at once, and how long they wait for a client that comes back.
///
/// They hold for what is opened from now on; a reload changes none that is open.
public struct MuxSettings: Sendable, Equatable {
  /// How many streams one mux may carry at a time; 0 to 10,000, 0 for no mux at all.
  public var streams: Int
  /// How many bytes one mux keeps for a client that comes back, half of them unread at most; 32 KiB to 1 GiB, in
  /// force never less than four times `StreamSettings.eventSizeBytes`.
  public var logBytes: Int
  /// How long a mux waits for its client to come back; 0 to 1 h.
  public var linger: Duration

  /// Puts mux settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - streams: how many streams one mux may carry at a time.
  ///   - logBytes: how many bytes one mux keeps.
  ///   - linger: how long a mux waits for its client to come back.
  public init(streams: Int, logBytes: Int, linger: Duration) {
    self.streams = streams
    self.logBytes = logBytes
    self.linger = linger
  }

  /// What holds where the file says nothing.
  public static let `default` = MuxSettings(streams: 100, logBytes: 1024 * 1024, linger: .seconds(30))
}

extension MuxSettings {
  init(_ reader: SettingsReader) {
    let standard = MuxSettings.default
    self.init(
      streams: reader.count(
        "streams", default: standard.streams, in: 0...10_000,
        "How many streams one mux may carry at a time; 0 = no mux at all."),
      logBytes: reader.byteCount(
        "log", default: standard.logBytes, in: 32 * 1024...1024 * 1024 * 1024,
        "What one mux keeps for a client that comes back, half of it unread; never less than four of the largest events."
      ),
      linger: reader.duration(
        "linger", default: standard.linger, in: .zero ... .seconds(3600),
        "How long a mux waits for its client to come back; 0s = not at all."))
  }
}
