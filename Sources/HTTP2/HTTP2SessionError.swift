/// Why a session takes no more bytes.
public enum HTTP2SessionError: Error, Equatable {
  /// The bytes do not begin as HTTP/2 does (RFC 9113 §3.4).
  case badPreface
  /// More answers to SETTINGS and PING wait to be sent than the library keeps.
  case tooManyAnswers
  /// One head has more CONTINUATION frames than allowed.
  case tooManyContinuations
  /// The owner wants no more.
  case stopped
  /// The library failed, with its own number; out of memory, for one.
  case failed(Int)
}
