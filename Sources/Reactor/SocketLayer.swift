/// How far a layer got with one step.
public enum LayerStep: Equatable, Sendable {
  /// So many bytes were taken or given; zero where the step has none.
  case done(Int)
  /// The same step is to be tried again when the descriptor can be read.
  case awaitsRead
  /// The same step is to be tried again, with the same bytes, when the descriptor can be written.
  case awaitsWrite
  /// The peer has ended its side.
  case ended
  /// Nothing goes any more.
  case failed(LayerFailure)
}

/// Why a layer can't go on.
public enum LayerFailure: Error, Equatable, Sendable {
  /// The peer speaks HTTP without the layer.
  case plainHTTP
  /// The peer has left.
  case peerLeft
  /// Anything else, in words for a log.
  case broken(String)
}

/// What stands between a socket's bytes and its owner's, such as TLS.
///
/// It reads and writes the descriptor itself; when, the socket says. Whatever a step waits for, the step that is tried
/// next is the same one.
/// - Owner: the socket, and whoever goes on with the connection on another loop.
/// - Thread: one at a time.
public protocol SocketLayer: AnyObject, Sendable {
  /// Whether this side says the first word.
  var speaksFirst: Bool { get }
  /// What the peers agreed to speak above the layer (RFC 7301); `nil` where they said nothing.
  var applicationProtocol: String? { get }
  /// Whether an earlier connection's agreement was taken up, which saves most of the handshake.
  var isResumed: Bool { get }
  /// Takes the descriptor that it stands on; once, before anything else.
  func begin(on descriptor: Int32)
  /// Goes on with what comes before the first byte.
  func handshake() -> LayerStep
  /// Reads into memory that has room for `SocketLayerBounds.recordBytes`.
  func read(into memory: UnsafeMutableRawBufferPointer) -> LayerStep
  /// Writes at most `SocketLayerBounds.recordBytes`.
  ///
  /// A step that awaits something has taken all of them: it is tried again with the same bytes.
  func write(_ bytes: UnsafeRawBufferPointer) -> LayerStep
  /// Tells the peer that nothing follows.
  func end() -> LayerStep
}

/// What a layer and its socket have agreed on.
public enum SocketLayerBounds {
  /// The most that a layer reads or writes with one step: a TLS record's content (RFC 8446 §5.1).
  public static let recordBytes = 16 * 1024
}

/// What goes along with a descriptor that moves to another loop.
public struct ReleasedLayer: Sendable {
  let layer: any SocketLayer
  let unflushed: [UInt8]
  let readAwaitsWrite: Bool
}
