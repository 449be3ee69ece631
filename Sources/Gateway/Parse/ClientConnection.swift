internal import Admission
internal import Streams

/// A client's connection, whatever it speaks: what its worker has to know of it.
protocol ClientConnection: AnyObject {
  /// Where the worker keeps it.
  var place: Int { get set }
  /// What the connection holds while it counts as one; given back where its end is told.
  var slot: Slot? { get set }
  /// Whether another worker goes on with it.
  var isMoved: Bool { get }
  /// Lets what is under way be the last; an idle connection is closed at once.
  func drain()
  /// Takes no request after those that are under way.
  func endAfterAnswer()
  /// Ends it at once, and whatever is under way with it.
  func close(_ reason: CloseReason)
}

extension HTTP1Connection: ClientConnection {
  func endAfterAnswer() {
    persists = false
  }
}

extension Exchange {
  /// The connection that carries it.
  var connection: (any ClientConnection)? {
    switch transport {
    case let connection as HTTP1Connection: connection
    case let stream as HTTP2Stream: stream.connection
    default: nil
    }
  }
}

/// Who takes requests from connections of both kinds.
protocol HTTP2Receiver: RequestReceiver {
  /// A connection turned out to speak HTTP/2 and goes on as another.
  func goesOn(_ connection: HTTP1Connection, as successor: HTTP2Connection)
  /// A connection has frames to write; `turnEnded` of it is called once at the end of the turn.
  func writesAtTurnEnd(_ connection: HTTP2Connection)
  /// A client went beyond a bound of `clients.http2`.
  func exceeded(_ bound: HTTP2Bound, by connection: HTTP2Connection)
  /// A connection is gone.
  func disconnected(_ connection: HTTP2Connection)
}
