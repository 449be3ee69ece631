internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

/// Makes the orchestrator's request of a client's: a POST as it is, a GET from an `EventSource` as a JSON object.
enum RunStart {
  private static func lastEvent(of head: RequestHead) -> EventID? {
    if let range = head.fields.first(.lastEventID) {
      return EventID(head.fields.bytes.span.extracting(range))
    }
    guard let value = QueryObject.value(of: "last_event_id", in: head.query.span) else { return nil }
    return EventID(Array(value.utf8).span)
  }

  /// Query names that speak to the gateway and not to the orchestrator.
  private static let reservedNames = ["last_event_id", "run"]
  private static let maxParameters = 100

  /// Starts a run for an exchange whose request is whole.
  static func start(_ exchange: Exchange, on route: RunRoute, of worker: Worker) {
    let head = exchange.head
    // A client that names an event has had a run, and no retry runs a model twice. What it names is over: a run
    // ends with its last reader. 204 tells an EventSource to stay closed (WHATWG HTML §9.2.3).
    if lastEvent(of: head) != nil { return exchange.respond(Response(ResponseHead(status: 204))) }
    let isGet = head.method == .get
    var body = exchange.takeBody()
    var target = route.target
    if isGet {
      body = []
      do throws(HTTPViolation) {
        try QueryObject.append(
          jsonOf: head.query.span, excluding: reservedNames, maxParameters: maxParameters, to: &body)
      } catch {
        return exchange.respond(
          Problem.response(status: error.status, detail: error.reason, reason: .badRequest))
      }
    } else if head.hasQuery {
      target.append(UInt8(ascii: "?"))
      target.append(head.query.span)
    }
    let fields = ForwardedFields.make(
      from: head, peer: exchange.peer, credentials: route.forwardsCredentials,
      contentType: isGet ? "application/json" : nil)
    let run = Run(for: exchange, on: route, of: worker)
    worker.began(run)
    run.start(body, fields: fields, target: target)
  }
}
