/// Why a stream or a connection ends before its time (RFC 9113 §7).
public struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
  /// The number on the wire.
  public let rawValue: UInt32

  /// The code of a number; one that nobody has named is a code, too.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// Nothing is wrong.
  public static let noError = HTTP2ErrorCode(rawValue: 0)
  /// The peer does not keep to the protocol.
  public static let protocolError = HTTP2ErrorCode(rawValue: 1)
  /// Our own fault.
  public static let internalError = HTTP2ErrorCode(rawValue: 2)
  /// A window was exceeded.
  public static let flowControlError = HTTP2ErrorCode(rawValue: 3)
  /// The stream was not processed and may be asked for again.
  public static let refusedStream = HTTP2ErrorCode(rawValue: 7)
  /// Nobody needs the stream any more.
  public static let cancel = HTTP2ErrorCode(rawValue: 8)
  /// The peer asks for more work than it should.
  public static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 11)
}
