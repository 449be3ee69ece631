internal import Bytes
internal import Crypto
internal import Reactor
internal import Streams
internal import Wire

/// Finds the run that a request is for, or starts one: a POST as it is, a GET from an `EventSource` as a JSON object.
///
/// A request that names an event, or uses a key again, never begins a second orchestrator request.
enum Attach {
  /// Query names that speak to the gateway and not to the orchestrator.
  private static let reservedNames = ["last_event_id", "run"]
  private static let maxParameters = 100

  /// Serves a request on a run route; it is whole.
  static func serve(_ exchange: Exchange, on route: RunRoute, of worker: Worker) {
    let principal = exchange.principal
    if let last = lastEvent(of: exchange.head) {
      return resume(exchange, last, route, principal, of: worker)
    }
    guard let prepared = prepare(exchange, route) else { return }
    guard
      let key = idempotencyKey(of: exchange.head).map({ key($0, of: exchange.head, principal, route) })
    else {
      return start(exchange, prepared, on: route, of: worker, principal: principal, key: nil, payload: nil)
    }
    let payload = prepared.payload
    guard let run = worker.runs.run(of: key) else {
      return start(exchange, prepared, on: route, of: worker, principal: principal, key: key, payload: payload)
    }
    guard run.payload == payload else {
      return exchange.respond(
        Problem.response(
          status: 409, detail: "the idempotency key \"\(key.key)\" was used before with another request"))
    }
    run.join(exchange, seen: 0)
  }

  /// Serves a request on `/_sluice/runs/<run>`: GET joins, DELETE stops.
  static func serve(_ exchange: Exchange, run text: Span<UInt8>, of worker: Worker) {
    guard let id = StreamID(text), let run = worker.runs.run(id) else {
      return exchange.respond(Problem.response(status: 404, detail: "no such run is known, or not any more"))
    }
    guard run.isOpen(to: exchange.principal) else { return refuse(exchange) }
    exchange.record.stream = run.name
    switch exchange.method {
    case .delete:
      run.finish(.stopped)
      exchange.respond(Response(ResponseHead(status: 204)))
    case .head:
      exchange.respond(Response(streamHead()))
    default:
      let last = lastEvent(of: exchange.head)
      run.join(exchange, seen: last?.stream == id ? last?.sequence ?? 0 : 0)
    }
  }

  // MARK: - Homes

  /// The worker on which the run of a request lives, or is to live; `nil` where any will do.
  static func home(of exchange: Exchange, on route: RunRoute, among peers: Peers) -> Int? {
    let head = exchange.head
    if let last = lastEvent(of: head) { return peers.home(of: last.stream.home) }
    guard let text = idempotencyKey(of: head) else { return nil }
    return peers.home(of: key(text, of: head, exchange.principal, route).home)
  }

  /// The worker on which a run lives; `nil` for what is no name of a run.
  static func home(run text: Span<UInt8>, among peers: Peers) -> Int? {
    StreamID(text).map { peers.home(of: $0.home) }
  }

  private static func key(
    _ text: String, of head: RequestHead, _ principal: Principal?, _ route: RunRoute
  ) -> IdempotencyKey {
    // An answer made with a client's credentials is for nobody else, whatever the key.
    let bearer = Principal(forwarded: route.credentials, of: head.fields)
    return IdempotencyKey(principal: principal ?? bearer, route: route.key, key: text)
  }

  // MARK: - Resuming

  private static func resume(
    _ exchange: Exchange, _ last: EventID, _ route: RunRoute, _ principal: Principal?, of worker: Worker
  ) {
    // It was told that the run is gone, and comes back as every EventSource does: 204 stops it for good.
    if last.sequence == EventID.endOfRun { return exchange.respond(Response(ResponseHead(status: 204))) }
    guard let run = worker.runs.run(last.stream) else { return exchange.respond(unknownRun(last.stream, route)) }
    guard run.isOpen(to: principal) else { return refuse(exchange) }
    run.join(exchange, seen: last.sequence)
  }

  private static func refuse(_ exchange: Exchange) {
    exchange.respond(Problem.response(status: 403, detail: "this run was begun by somebody else"))
  }

  /// The answer to a client whose run is not known any more: an event that says so, with an id that ends its retries.
  static func unknownRun(_ id: StreamID, _ route: RunRoute) -> Response {
    let data = GatewayEvent.error(.runUnknown, in: route.terminalField)
    var body: [UInt8] = []
    let identifier = Array("\(id).\(EventID.endText)".utf8)
    SSEEncoder.append(id: identifier, type: [UInt8]().span, data: data.span, to: &body)
    return Response(streamHead(), body: body, reason: .runUnknown)
  }

  /// The head of every answer that is a stream.
  static func streamHead() -> ResponseHead {
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", "text/event-stream; charset=utf-8")
    head.fields.append("Cache-Control", "no-cache, no-transform")
    // nginx in front would otherwise buffer the answer.
    head.fields.append("X-Accel-Buffering", "no")
    return head
  }

  static func lastEvent(of head: RequestHead) -> EventID? {
    if let range = head.fields.first(.lastEventID) {
      return EventID(head.fields.bytes.span.extracting(range))
    }
    guard let value = QueryObject.value(of: "last_event_id", in: head.query.span) else { return nil }
    return EventID(Array(value.utf8).span)
  }

  private static func idempotencyKey(of head: RequestHead) -> String? {
    let key = head.fields.string(.idempotencyKey) ?? QueryObject.value(of: "run", in: head.query.span)
    return key.flatMap { $0.isEmpty ? nil : $0 }
  }

  // MARK: - Starting

  /// An orchestrator's request, made of a client's.
  private struct Prepared {
    var body: [UInt8]
    var target: [UInt8]
    var fields: FieldSection

    /// What makes two requests of one key the same.
    var payload: SHA256 {
      var bytes = target
      bytes.append(0)
      bytes.append(body.span)
      return SHA256(of: bytes.span)
    }
  }

  private static func prepare(_ exchange: Exchange, _ route: RunRoute) -> Prepared? {
    let head = exchange.head
    let isGet = head.method == .get
    var body = exchange.takeBody()
    var target = route.target
    if isGet {
      body = []
      do throws(HTTPViolation) {
        try QueryObject.append(
          jsonOf: head.query.span, excluding: reservedNames + exchange.hiddenParameters, maxParameters: maxParameters,
          to: &body)
      } catch {
        exchange.respond(Problem.response(status: error.status, detail: error.reason, reason: .badRequest))
        return nil
      }
    } else if head.hasQuery {
      var query = head.query
      for name in exchange.hiddenParameters { query = QueryObject.without(name, in: query.span) }
      if !query.isEmpty || exchange.hiddenParameters.isEmpty {
        target.append(UInt8(ascii: "?"))
        target.append(query.span)
      }
    }
    let fields = ForwardedFields.make(
      from: head, client: exchange.client, scheme: exchange.scheme, identity: exchange.identity,
      credentials: route.credentials,
      contentType: isGet ? "application/json" : nil)
    return Prepared(body: body, target: target, fields: fields)
  }

  private static func start(
    _ exchange: Exchange, _ prepared: Prepared, on route: RunRoute, of worker: Worker, principal: Principal?,
    key: IdempotencyKey?, payload: SHA256?
  ) {
    let id = StreamID(home: key?.home ?? worker.peers.bits(for: worker.place))
    let run = Run(id, on: route, of: worker, principal: principal, key: key, payload: payload)
    worker.runs.add(run)
    run.start(for: exchange, prepared.body, fields: prepared.fields, target: prepared.target)
  }
}
