/// A socket's layer, with what is under way through it.
///
/// - Owner: its socket.
/// - Bound: one record that the descriptor has not taken.
final class Passage {
  let layer: any SocketLayer
  var isHandshaking = true
  /// Bytes that the owner has written as far as it knows, while the descriptor was full: OpenSSL may have sealed them
  /// already and must get the same again, and an owner that comes back later would have others.
  var unflushed: [UInt8] = []
  /// A read has to write first.
  var readAwaitsWrite = false
  /// The owner wants to hear of room.
  var ownerAwaitsWrite = false
  /// This side ends once everything was flushed.
  var isEnding = false
  /// Reports an end that the layer has read together with the bytes before it.
  var endReport: TimerID?
  /// Nothing goes any more, or the end was told.
  var isOver = false

  init(_ layer: any SocketLayer) {
    self.layer = layer
  }
}
