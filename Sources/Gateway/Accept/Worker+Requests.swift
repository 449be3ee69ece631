internal import Admission
internal import Bytes
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

// What a worker does with a request: judge its head, find its worker, admit it, serve it.

extension Worker: RequestReceiver {
  func headReceived(_ exchange: Exchange) {
    let head = exchange.head
    let client = ClientAddress.resolve(
      peer: exchange.clientPeer, fields: head.fields, trusted: proxies.trusted, source: proxies.clientAddressFrom)
    exchange.client = client
    var fields = FieldSection()
    fields.append("Date", httpDate)
    if let value = exchange.door?.strictTransport { fields.append("Strict-Transport-Security", value) }
    let verdict = Gate.judge(head, client, table.router, &fields)
    exchange.answerFields = fields
    switch verdict {
    case .answered(let response):
      exchange.respond(response)
    case .admitted(let route):
      exchange.record.route = route.name
      exchange.route = route
      if case .asset = route.action { return }
      switch identify(exchange, on: route) {
      case .success(let identity):
        exchange.identity = identity
        memory.began(exchange, atMost: table.limits.bodyBytes)
        guard hasMemory(for: exchange, on: route) else { return }
        _ = countConnection(exchange)
      case .failure(let denial):
        if countConnection(exchange) { exchange.respond(denial.response) }
      }
    }
  }

  func received(_ exchange: Exchange) {
    guard let route = exchange.route else { return }
    if case .asset(let asset) = route.action { return exchange.respond(asset.response(to: exchange.head)) }
    guard let authorizer = route.authorizer, exchange.identity?.isAuthorized != true else {
      return find(exchange, route)
    }
    let inquiry = Inquiry(exchange)
    authorizer.ask(about: exchange, on: route, for: subject(of: exchange)) { [self] answer in
      guard inquiry.end() else { return }
      switch answer {
      case .allowed(let principal):
        exchange.identity?.isAuthorized = true
        // A token's own subject is who it is; the service only lets it in.
        if route.tokens == nil { exchange.identity?.principal = principal }
        find(exchange, route)
      case .denied(let response):
        exchange.respond(response)
      }
    }
  }

  /// Goes on on the worker where the run of the request lives.
  private func find(_ exchange: Exchange, _ route: Route) {
    if case .tickets = route.action { return giveTicket(exchange) }
    if let home = home(of: exchange, on: route), home != place, moves(exchange, to: home) { return }
    // It was told that its place is somebody else's, or its run gone, and comes back as every EventSource does: 204
    // stops it for good, and it claims nothing.
    if Attach.lastEvent(of: exchange.head)?.sequence == EventID.endOfRun {
      return exchange.respond(Response(ResponseHead(status: 204)))
    }
    guard route.isStream else { return serve(exchange) }
    switch exchange.method {
    case .get, .post: enter(exchange)
    default: serve(exchange)
    }
  }

  func clientWritable(_ exchange: Exchange) {
    exchange.owner?.clientWritable()
  }

  func finished(_ exchange: Exchange, _ reason: CloseReason) {
    loop.cancelTimer(&exchange.expiry)
    memory.ended(exchange)
    counters.finished(reason)
    if exchange.record.events > 0, !exchange.record.isMux { counters.events.add(Int(clamping: exchange.record.events)) }
    if exchange.isStream { counters.streams.add(-1) }
    if let slot = exchange.slot {
      exchange.slot = nil
      slots.release(slot)
    }
    accessLog.finished(exchange, reason, at: loop.now)
  }

  func rejected(peer: SocketAddress, status: Int, detail: String, _ reason: CloseReason) {
    accessLog.rejected(peer, status: status, detail: detail, reason)
  }

  // MARK: - Identity

  /// Who asks: by a ticket, by a token where the route wants one, or else by the configured fields.
  private func identify(_ exchange: Exchange, on route: Route) -> Result<ExchangeIdentity, Denial> {
    let head = exchange.head
    exchange.hiddenParameters = route.tokens?.settings.sources.query.map { [$0] } ?? []
    if tickets.lifetime != nil {
      exchange.hiddenParameters.append(Self.ticketName)
    }
    // Found out on another worker.
    if let identity = exchange.identity { return .success(identity) }
    if tickets.lifetime != nil {
      if head.method == .get, let text = QueryObject.value(of: Self.ticketName, in: head.query.span) {
        let stream = Attach.lastEvent(of: head)?.stream
        guard let ticket = Ticket(Array(text.utf8).span),
          let identity = tickets.redeem(
            ticket, at: Self.target(of: exchange), joining: Self.run(in: exchange.head, on: route), for: stream,
            at: loop.now),
          identity.proof == route.authentication, (identity.expires ?? .max) > WallClock.seconds
        else { return .failure(.ticket) }
        return .success(identity)
      }
    }
    if let tokens = route.tokens { return tokens.judge(head, now: WallClock.seconds) }
    return .success(ExchangeIdentity(principal: Principal(head.fields, table.identity)))
  }

  private static let ticketName = "ticket"

  /// The run that a path names.
  private static func run(in head: RequestHead, on route: Route) -> StreamID? {
    guard case .runs(let prefix) = route.action else { return nil }
    let name = Array(head.path[prefix...])
    return StreamID(name.span)
  }

  /// Path and query, without what is another at each attempt.
  private static func target(of exchange: Exchange) -> [UInt8] {
    var query = exchange.head.query
    for name in exchange.hiddenParameters + ["last_event_id"] { query = QueryObject.without(name, in: query.span) }
    return exchange.head.path + [UInt8(ascii: "?")] + query
  }

  /// Gives the client that asks a ticket for an EventSource.
  private func giveTicket(_ exchange: Exchange) {
    guard var identity = exchange.identity, identity.principal != nil, let lifetime = tickets.lifetime else {
      return exchange.respond(
        Denial(
          detail: "a ticket is for whoever shows an identity (authentication, identity)", error: "identity_missing"
        ).response)
    }
    if let range = exchange.head.fields.first(.authorization) {
      identity.authorization = Array(exchange.head.fields.bytes[range])
    }
    identity.proof = exchange.route?.authentication
    guard let ticket = tickets.issue(for: identity, at: loop.now) else {
      var response = Problem.response(status: 503, detail: "too many tickets wait to be used (tickets.count)")
      response.head.fields.append("Retry-After", "1")
      return exchange.respond(response)
    }
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", "application/json")
    head.fields.append("Cache-Control", "no-store")
    let body = "{\"ticket\":\"\(ticket)\",\"expires_in\":\(lifetime.wholeMilliseconds / 1000)}\n"
    exchange.respond(Response(head, body: Array(body.utf8)))
  }

  // MARK: - Homes

  /// The worker on which the run of a request lives, or is to live; `nil` where any will do.
  private func home(of exchange: Exchange, on route: Route) -> Int? {
    guard peers.count > 1 else { return nil }
    switch route.action {
    case .run(let run): return Attach.home(of: exchange, on: run, among: peers)
    case .runs(let prefix):
      let name = Array(exchange.head.path[prefix...])
      return Attach.home(run: name.span, among: peers)
    case .mux: return Attach.lastEvent(of: exchange.head).map { peers.home(of: $0.stream.home) }
    case .muxes(let prefix, _):
      let name = Array(exchange.head.path[prefix...])
      return Attach.home(run: name.span, among: peers)
    case .feed, .tickets, .asset: return nil
    }
  }

  /// Moves a connection to another worker; false where that can't be.
  private func moves(_ exchange: Exchange, to home: Int) -> Bool {
    guard let transport = exchange.transport, transport.isMovable, let connection = transport as? HTTP1Connection else {
      return false
    }
    return connection.move { [peers, memory] moved in
      memory.ended(exchange)
      peers.post(.adopt(moved), to: home)
    }
  }

  // MARK: - Limits

  /// For whom a request claims room.
  func subject(of exchange: Exchange) -> LimitSubject {
    let head = exchange.head
    let address = exchange.client?.address
    return LimitSubject(
      domain: head.host, client: address.map(ClientKey.init) ?? .unix, origin: head.fields.string(.origin),
      principal: exchange.principal?.bytes, route: exchange.route?.key)
  }

  /// Counts the connection with the first request that says where it wants to.
  ///
  /// - Returns: whether there is room for it; where not, the request is answered.
  private func countConnection(_ exchange: Exchange) -> Bool {
    guard slots.table.applies(.connection), let connection = exchange.connection, connection.slot == nil else {
      return true
    }
    switch slots.claim(.connection, for: subject(of: exchange), by: nil) {
    case .admitted(let slot):
      connection.slot = slot
    case .refused(let refusal):
      connection.endAfterAnswer()
      refuse(exchange, refusal)
      return false
    case .waiting(let ticket):
      // Settings let no limit of connections wait; one that did would hold up a body.
      slots.abandon(ticket)
    }
    return true
  }

  /// Claims room for a stream: at once, later, or not at all.
  private func enter(_ exchange: Exchange) {
    guard slots.table.applies(.stream) else { return admitted(exchange) }
    switch slots.claim(.stream, for: subject(of: exchange), by: exchange) {
    case .admitted(let slot):
      exchange.slot = slot
      admitted(exchange)
    case .refused(let refusal):
      refuse(exchange, refusal)
    case .waiting(let ticket):
      Entrance(exchange, of: self, table.limits).wait(ticket)
    }
  }

  /// A request has its room.
  func admitted(_ exchange: Exchange) {
    if let slot = exchange.slot { slots.own(slot, exchange) }
    exchange.isStream = true
    counters.streams.add(1)
    serve(exchange)
  }

  /// A limit has no room for a request.
  func refuse(_ exchange: Exchange, _ refusal: LimitRefusal) {
    // A stream that has begun can only say it by an event.
    guard exchange.transport?.isStreaming != true else {
      return exchange.respond(LimitAnswer.response(refusal, .stream, to: .get))
    }
    exchange.respond(LimitAnswer.response(refusal, exchange.route?.refusal ?? .status, to: exchange.method))
  }

  // MARK: - Serving

  private func serve(_ exchange: Exchange) {
    guard let route = exchange.route else { return }
    if let expires = exchange.identity?.expires {
      let left = Duration.seconds(max(0, expires - WallClock.seconds))
      exchange.expiry = loop.setTimer(after: left, for: exchange)
    }
    if route.isAnsweredAtHome, let home = home(of: exchange, on: route), home != place {
      return mirrors.ask(exchange, on: route, at: home)
    }
    attach(exchange, on: route)
  }

  /// Serves a request on the worker where its stream lives, or a mirror of it.
  func attach(_ exchange: Exchange, on route: Route) {
    switch route.action {
    case .run(let run):
      if exchange.method == .head { return exchange.respond(Response(Attach.streamHead())) }
      Attach.serve(exchange, on: run, of: self)
      memory.passedOn(exchange)
    case .feed(let feed):
      Attach.serve(exchange, on: feed, named: route.key, of: self)
    case .runs(let prefix):
      let name = Array(exchange.head.path[prefix...])
      Attach.serve(exchange, run: name.span, of: self)
    case .mux(let rules):
      Attach.serve(exchange, muxing: rules, of: self)
    case .muxes(let prefix, let rules):
      let name = Array(exchange.head.path[prefix...])
      Attach.serve(exchange, mux: name.span, rules, of: self)
    case .tickets, .asset:
      break
    }
  }
}

extension ClientKey {
  /// The key of an address.
  init(_ address: IPAddress) {
    self = address.isIPv4 ? .ipv4(UInt32(truncatingIfNeeded: address.bits)) : .ipv6(prefix: UInt64(address.bits >> 64))
  }
}
