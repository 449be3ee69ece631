public import Admission

/// What one HTTP/2 connection may take, beyond what holds for every client.
///
/// A rate is what may come at once, too: those of a second, a minute or an hour.
public struct HTTP2Settings: Sendable, Equatable {
  /// How many streams there may be at a time; 1 to 10,000.
  public var streams = 100
  /// How much of a body a stream may send ahead; 64 KiB to 16 MiB.
  public var windowBytes = 256 * 1024
  /// How much the bodies of requests that are not whole may hold together; 64 KiB to 4 GiB; one of
  /// `body_size` always may.
  public var bodiesBytes = 16 * 1024 * 1024
  /// How many CONTINUATION frames a head may have; 0 to 1,000.
  public var continuations = 8
  /// How many streams may end by a reset, whoever sent it.
  public var resets = Rate(count: 200, unit: .minute)
  /// How many PING frames may come.
  public var pings = Rate(count: 120, unit: .minute)
  /// How many SETTINGS frames may come.
  public var settings = Rate(count: 30, unit: .minute)
  /// How many frames may come that carry nothing.
  public var emptyFrames = Rate(count: 500, unit: .minute)

  /// What holds where the file says nothing.
  public init() {}
}

extension HTTP2Settings {
  init(_ reader: SettingsReader) {
    let standard = HTTP2Settings()
    streams = reader.count(
      "streams", default: standard.streams, in: 1...10_000,
      "How many streams there may be at a time; one more is refused (REFUSED_STREAM).")
    windowBytes = reader.byteCount(
      "window", default: standard.windowBytes, in: 64 * 1024...16 * 1024 * 1024,
      "How much of a body a stream may send before it was taken; all streams together four times that.")
    bodiesBytes = reader.byteCount(
      "bodies", default: standard.bodiesBytes, in: 64 * 1024...4 * 1024 * 1024 * 1024,
      "How much bodies that are not whole may hold together, one of body_size always; the stream beyond it is refused.")
    continuations = reader.count(
      "continuations", default: standard.continuations, in: 0...1000, "How many CONTINUATION frames a head may have.")
    func rate(_ key: String, _ standard: Rate, _ summary: String) -> Rate {
      reader.text(key, default: standard, allowed: Rate.allowed, summary) { Rate($0) }
    }
    resets = rate(
      "resets", standard.resets, "How many streams may be reset, by the client or for what it does wrong.")
    pings = rate("pings", standard.pings, "How many PING frames may come.")
    settings = rate("settings", standard.settings, "How many SETTINGS frames may come.")
    emptyFrames = rate(
      "empty_frames", standard.emptyFrames,
      "How many frames may come that carry nothing: DATA without bytes, PRIORITY, windows opened for no DATA.")
  }
}
