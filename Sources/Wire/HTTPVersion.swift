internal import Bytes

/// The versions of HTTP/1 that are spoken.
public enum HTTPVersion: Equatable, Sendable {
  case http10, http11

  /// The version that exactly these bytes name, `nil` for everything else.
  init?(_ text: Span<UInt8>) {
    if text.equals("HTTP/1.1") {
      self = .http11
    } else if text.equals("HTTP/1.0") {
      self = .http10
    } else {
      return nil
    }
  }
}
