internal import Admission
internal import Bytes
internal import Reactor
internal import Settings
internal import Wire

/// Serves the listeners that only send clients on: to the same host and target by https.
///
/// - Owner: the worker.
/// - Thread: the worker's.
final class RedirectDesk: RequestReceiver {
  private unowned let worker: Worker

  init(of worker: Worker) {
    self.worker = worker
  }

  /// RFC 9110 §15.4.9: 308 keeps the method, so a POST stays one.
  func headReceived(_ exchange: Exchange) {
    let head = exchange.head
    guard let redirect = exchange.door?.settings.redirect, let host = Authority(head.authority)?.host,
      head.path.first == UInt8(ascii: "/")
    else {
      return exchange.respond(
        Problem.response(status: 400, detail: "without host and path nobody can be sent on to https"))
    }
    var location: [UInt8] = []
    location.append("https://\(host)")
    if redirect.port != 443 { location.append(":\(redirect.port)") }
    location.append(head.path.span)
    if !head.query.isEmpty {
      location.append("?")
      location.append(head.query.span)
    }
    var answer = ResponseHead(status: 308)
    answer.fields.append("Location", location.span)
    answer.fields.append("Date", worker.httpDate)
    exchange.respond(Response(answer))
  }

  func received(_ exchange: Exchange) {}
  func clientWritable(_ exchange: Exchange) {}

  func finished(_ exchange: Exchange, _ reason: CloseReason) {
    worker.finished(exchange, reason)
  }

  func rejected(peer: SocketAddress, status: Int, detail: String, _ reason: CloseReason) {
    worker.rejected(peer: peer, status: status, detail: detail, reason)
  }

  func handshakeEnded(_ connection: HTTP1Connection, _ outcome: HandshakeOutcome, detail: String) {
    worker.handshakeEnded(connection, outcome, detail: detail)
  }

  func disconnected(_ connection: HTTP1Connection) {
    worker.disconnected(connection)
  }
}
