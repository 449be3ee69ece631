/// What a session tells the connection that owns it, in the order of the frames.
///
/// All but the last two groups are called within `HTTP2Session.receive`, the last two within `sendFrames`. Within any
/// of them the session takes answers, resets and the like, but neither bytes nor `sendFrames`.
public protocol HTTP2SessionOwner: AnyObject {
  // What was received.

  /// A frame begins; its payload may not be there yet.
  ///
  /// - Returns: false to take no more of this connection.
  func frameBegan(_ frame: HTTP2Frame) -> Bool
  /// The head of a request begins.
  ///
  /// - Returns: `nil` to take the request; otherwise it is refused with this code.
  func requestBegan(_ stream: Int32) -> HTTP2ErrorCode?
  /// One field of a head or of trailers, pseudo-fields included, as it was received.
  func fieldReceived(_ stream: Int32, _ name: Span<UInt8>, _ value: Span<UInt8>, isTrailer: Bool)
  /// A head is whole; nothing follows it where the frame ends the stream.
  func requestReceived(_ stream: Int32, endsStream: Bool)
  /// A part of a body; `HTTP2Session.consume` gives its room in the windows back.
  func bodyReceived(_ stream: Int32, _ bytes: Span<UInt8>)
  /// A body is whole, trailers included.
  func bodyEnded(_ stream: Int32)
  /// A frame was received whole and found correct.
  func frameEnded(_ frame: HTTP2Frame)
  /// A frame broke the rules; its stream is reset, or the connection ends.
  func frameRefused(_ frame: HTTP2Frame)

  // What is sent.

  /// Bytes for the peer: whole frames other than DATA, to be sent before everything that comes later.
  func framesReady(_ bytes: Span<UInt8>)
  /// What a stream has for its next DATA frame.
  ///
  /// - Parameters:
  ///   - stream: which.
  ///   - limit: the largest payload that the windows and the frame allow, at least one byte.
  /// - Returns: what the frame is to hold.
  func payload(of stream: Int32, atMost limit: Int) -> HTTP2Payload
  /// A DATA frame is to be sent: its head, then exactly the payload that was promised.
  func dataReady(_ stream: Int32, head: Span<UInt8>, count: Int)
  /// Everything of an answer was handed over.
  func answerEnded(_ stream: Int32)

  // Both.

  /// A stream is over, by whichever side.
  func streamClosed(_ stream: Int32, _ code: HTTP2ErrorCode)
}

/// What a stream has to send now.
public enum HTTP2Payload: Equatable, Sendable {
  /// Nothing, until `HTTP2Session.resume` says otherwise.
  case nothing
  /// So many bytes; none only where they are the last.
  case bytes(Int, isLast: Bool)
}
