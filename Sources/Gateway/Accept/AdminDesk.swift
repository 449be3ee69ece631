internal import Reactor
internal import Wire

/// Serves the listeners that are for operators: the gateway's figures, and nothing else.
///
/// - Owner: the worker.
/// - Thread: the worker's.
final class AdminDesk: RequestReceiver {
  private unowned let worker: Worker

  init(of worker: Worker) {
    self.worker = worker
  }

  func headReceived(_ exchange: Exchange) {
    guard ["/metrics", "/health"].contains(where: { exchange.head.path.elementsEqual($0.utf8) }) else {
      return exchange.respond(Problem.response(status: 404, detail: "here are only /metrics and /health"))
    }
    guard exchange.method == .get || exchange.method == .head else {
      var response = Problem.response(status: 405, detail: "only GET and HEAD are offered here")
      response.head.fields.append("Allow", "GET, HEAD")
      return exchange.respond(response)
    }
  }

  func received(_ exchange: Exchange) {
    var head = ResponseHead(status: 200)
    head.fields.append("Cache-Control", "no-store")
    guard exchange.head.path.elementsEqual("/metrics".utf8) else {
      head.fields.append("Content-Type", "text/plain; charset=utf-8")
      return exchange.respond(Response(head, body: Array("ok\n".utf8)))
    }
    head.fields.append("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
    exchange.respond(Response(head, body: worker.metrics.bytes))
  }

  func holds(requests: Int, answers: Int) { worker.holds(requests: requests, answers: answers) }
  func clientWritable(_ exchange: Exchange) {}
  func finished(_ exchange: Exchange, _ reason: CloseReason) {}
  func rejected(peer: SocketAddress, status: Int, detail: String, _ reason: CloseReason) {}

  func handshakeEnded(_ connection: HTTP1Connection, _ outcome: HandshakeOutcome, detail: String) {
    worker.handshakeEnded(connection, outcome, detail: detail)
  }

  func disconnected(_ connection: HTTP1Connection) {
    worker.disconnected(connection)
  }
}
