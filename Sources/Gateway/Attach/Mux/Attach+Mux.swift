internal import Bytes
internal import Streams
internal import Wire

// Opens a mux, finds the one that a request resumes, and carries out what its client orders.

extension Attach {
  /// Serves a request on `/_sluice/mux`.
  static func serve(_ exchange: Exchange, muxing rules: MuxRules, of worker: Worker) {
    let head = exchange.head
    if exchange.method == .head { return exchange.respond(Response(streamHead())) }
    guard exchange.record.mux == nil else {
      return exchange.respond(Problem.response(status: 400, detail: "a mux can't be a stream of a mux"))
    }
    if let last = lastEvent(of: head) {
      guard let mux = worker.muxes.mux(last.stream) else { return exchange.respond(unknownMux(last.stream)) }
      guard mux.isOpen(to: exchange.principal) else { return refuseMux(exchange) }
      if !mux.join(exchange, seen: last.sequence) { exchange.respond(unknownMux(last.stream)) }
      return
    }
    let targets = QueryObject.values(of: "stream", in: head.query.span)
    guard targets.count <= rules.streams else { return refuse(exchange, targets.count, rules.streams) }
    let asker = MuxAsker(exchange)
    let mux = worker.muxes.begin(rules, for: exchange.principal)
    _ = mux.join(exchange, seen: 0)
    for target in targets { mux.open(MuxedRequest(target: target), like: asker) }
  }

  /// Serves a request on `/_sluice/mux/<mux>`: POST and PATCH open and close streams, DELETE ends it.
  static func serve(_ exchange: Exchange, mux text: Span<UInt8>, _ rules: MuxRules, of worker: Worker) {
    guard let id = StreamID(text), let mux = worker.muxes.mux(id) else {
      return exchange.respond(Problem.response(status: 404, detail: "no such mux is known, or not any more"))
    }
    guard mux.isOpen(to: exchange.principal) else { return refuseMux(exchange) }
    exchange.record.stream = mux.name
    if exchange.method == .delete {
      mux.end(.stopped)
      return exchange.respond(Response(ResponseHead(status: 204)))
    }
    let order: MuxOrder
    do throws(MuxOrderViolation) {
      order = try MuxOrder(parsing: exchange.takeBody().span)
    } catch {
      return exchange.respond(Problem.response(status: 400, detail: "\(error)", reason: .badRequest))
    }
    guard order.open.count <= rules.streams else { return refuse(exchange, order.open.count, rules.streams) }
    guard !mux.isFull else {
      var response = Problem.response(
        status: 503, detail: "the mux has as many unread messages as it may (mux.log)", reason: .limited,
        members: [("limit", "mux.log")])
      response.head.fields.append("Retry-After", "1")
      return exchange.respond(response)
    }
    carryOut(order, on: mux, for: exchange)
  }

  private static func carryOut(_ order: MuxOrder, on mux: Mux, for exchange: Exchange) {
    // What is closed first makes room for what is opened.
    let closed = order.close.filter { mux.close($0) }
    let asker = MuxAsker(exchange)
    var body: [UInt8] = []
    body.append("{\"opened\":[")
    for (index, request) in order.open.enumerated() {
      let number = mux.open(request, like: asker)
      body.append(index == 0 ? "{\"stream\":" : ",{\"stream\":")
      body.append(decimal: UInt64(number))
      body.append(",\"target\":")
      JSONScanner.append(quoted: request.target.span, to: &body)
      body.append("}")
    }
    body.append("],\"closed\":[")
    body.append(closed.map { "\($0)" }.joined(separator: ","))
    body.append("]}\n")
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", "application/json")
    head.fields.append("Cache-Control", "no-store")
    exchange.respond(Response(head, body: body))
  }

  private static func refuse(_ exchange: Exchange, _ given: Int, _ allowed: Int) {
    exchange.respond(
      Problem.response(
        status: 400, detail: "\(given) streams are more than a mux may carry, allowed are \(allowed) (mux.streams)",
        reason: .limited, members: [("limit", "mux.streams"), ("bound", "\(allowed)")]))
  }

  private static func refuseMux(_ exchange: Exchange) {
    exchange.respond(Problem.response(status: 403, detail: "this mux was begun by somebody else"))
  }

  /// The answer to a client whose mux is not known any more: its streams are opened again one by one.
  private static func unknownMux(_ id: StreamID) -> Response {
    Response(streamHead(), body: MuxMessage.gone(id), reason: .runUnknown)
  }
}
