/// The bounds of one HTTP/2 connection, each by the name of its key in `clients.http2`.
enum HTTP2Bound: String, CaseIterable, Sendable {
  /// Streams at a time: one more is refused, the connection goes on.
  case streams
  /// Bytes of bodies that are not whole: the stream that goes beyond is refused, the connection goes on.
  case bodies
  /// CONTINUATION frames of one head (CVE-2024-27316 and its like).
  case continuations
  /// Streams that were reset (CVE-2023-44487, CVE-2025-8671).
  case resets
  /// PING frames (CVE-2019-9512).
  case pings
  /// SETTINGS frames (CVE-2019-9515).
  case settings
  /// Frames that carry nothing (CVE-2019-9518), and windows opened by a few bytes at a time (CVE-2019-9511).
  case emptyFrames = "empty_frames"

  /// Whether going beyond it ends the connection, and not the stream alone.
  var endsConnection: Bool { self != .streams && self != .bodies }
}
