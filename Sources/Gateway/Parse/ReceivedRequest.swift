internal import Admission
internal import Wire

/// What a request asks, and what was found out about who asks: needed until its answer has begun, and then given back.
///
/// - Owner: its exchange.
/// - Thread: the connection's loop.
final class ReceivedRequest {
  /// The request's head.
  var head: RequestHead
  /// The request's body, whole; empty until it was received, and after it was passed on.
  var body: [UInt8] = []
  /// Who is at the other end of the connection, where a PROXY header told after that.
  let clientPeer: ClientPeer
  /// The listener by which it came in.
  var door: Door?
  /// Who the client is, as far as somebody who is believed has told; `nil` until the head was judged.
  var client: ClientAddress?
  /// Who asks, once that was found out.
  var identity: ExchangeIdentity?
  /// Names in the query that speak to the gateway: the ticket, the token.
  var hiddenParameters: [String] = []
  /// Fields that every answer to this request carries, such as for CORS.
  var answerFields = FieldSection()

  init(_ head: RequestHead, clientPeer: ClientPeer) {
    self.head = head
    self.clientPeer = clientPeer
  }
}
