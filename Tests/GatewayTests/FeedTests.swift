import Admission
import Gateway
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct FeedTests {
  /// A feed with its first subscriber and the upstream's first request.
  private struct LiveFeed {
    let orchestrator: TestOrchestrator
    let gateway: TestGateway
    var upstream: TestSocket
    let request: String
    let first: TestSocket
    /// What the first subscriber's answer began with.
    let beginning: String
    let id: String

    /// Sends events of the upstream's, each with this id or none, and waits until the first subscriber has them.
    func send(_ events: (id: String?, data: String)...) throws {
      for (id, data) in events {
        try upstream.sendChunk("data: \(data)\n" + (id.map { "id: \($0)\n" } ?? "") + "\n")
        _ = try first.read(through: "data: \(data)\n")
        _ = try first.read(through: "\n\n")
      }
    }

    /// The upstream's connection breaks; its next request.
    mutating func reconnect() throws -> String {
      upstream.endWrites()
      upstream = try orchestrator.accept()
      return try upstream.readRequest().head
    }
  }

  private func begin(
    _ feed: FeedSettings = TestGateway.feed(), _ streams: StreamSettings = .default,
    onAbandoned: OnAbandoned = .linger(.seconds(60)), credentials: CredentialForwarding = .none,
    target: String = "/events/room", fields: String = "", workers: Int = 1
  ) throws -> LiveFeed {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(
      upstream: [orchestrator.port], streams: streams, onAbandoned: onAbandoned,
      credentials: credentials, feed: feed, workers: workers)
    let first = try gateway.subscribe(target, fields: fields)
    let upstream = try orchestrator.accept()
    let request = try upstream.readRequest().head
    try upstream.send(TestSocket.eventStream)
    let beginning = try first.read(through: "\n\n")
    // It named no event, so it is told its place by the gateway's id, which names the feed.
    let id = beginning.firstMatch(of: /id: ([a-z2-7]{26})\.0\n\n/).map { String($0.1) } ?? ""
    return LiveFeed(
      orchestrator: orchestrator, gateway: gateway, upstream: upstream, request: request, first: first,
      beginning: beginning, id: id)
  }

  private func data(_ body: String) -> [String] {
    body.replacing("\r\n", with: "\n").split(separator: "\n").filter { $0.hasPrefix("data: ") }.map {
      String($0.dropFirst(6))
    }
  }

  private let gap = "event: sluice.gap\ndata: "

  // MARK: - Sharing

  @Test(arguments: [1, 4]) func `all subscribers of a feed share one upstream request, and see the ids that it gives`(
    workers: Int
  ) throws {
    let feed = try begin(
      TestGateway.feed(headers: ["accept-language", "x-tenant"]), target: "/events/a/b?x=%41&y",
      fields: "Accept-Language: de\r\nX-Tenant: t\r\nAccept: */*\r\nCookie: a=b\r\nX-Other: 1\r\n", workers: workers)
    #expect(feed.request.hasPrefix("GET /up/a/b?x=%41&y HTTP/1.1\r\nHost: 127.0.0.1:\(feed.orchestrator.port)\r\n"))
    let request = feed.request.lowercased()
    for field in ["accept-language: de\r\n", "x-tenant: t\r\n", "accept: text/event-stream\r\n"] {
      #expect(request.components(of: "\r\n\(field)") == 1)
    }
    for name in ["cookie", "x-other", "last-event-id", "content-length", "*/*"] { #expect(!request.contains(name)) }
    #expect(feed.beginning.hasPrefix("HTTP/1.1 200 OK\r\n") && !feed.beginning.contains("Sluice-Run"))
    #expect(feed.beginning.contains("Content-Type: text/event-stream; charset=utf-8\r\n"))
    #expect(!feed.id.isEmpty)

    // What is not part of the key makes no other feed, nor does the way in which its parts are written.
    let second = try feed.gateway.subscribe(
      "/events/a/b?x=%41&y", fields: "X-Other: 2\r\nx-tenant:t\r\naccept-language: de\r\n")
    #expect(try second.read(through: "\n\n").contains("id: \(feed.id).0\n\n"))
    try feed.upstream.sendChunk(": hello\nevent: move\ndata: 1\nid: 7\n\ndata: 2\n\n")
    for client in [feed.first, second] {
      let events = try client.read(through: "data: 2\nid: \(feed.id).2\n\n")
      #expect(events.contains("event: move\ndata: 1\nid: 7\n\n") && !events.contains("hello"))
    }
    #expect(feed.orchestrator.isUntouched)
    feed.first.reset()
    second.reset()
    let line = feed.gateway.log.wait(for: "request", number: 2)
    #expect(line.values["feed"] == feed.id && line.values["route"] == "/events/**" && line.values["events"] == "2")
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `another path, query, configured header or identity is another feed`(
    workers: Int
  ) throws {
    let feed = try begin(TestGateway.feed(headers: ["x-tenant"]), fields: "X-Tenant: a\r\n", workers: workers)
    let others = [
      ("/events/room2", "X-Tenant: a\r\n"), ("/events/room?q", "X-Tenant: a\r\n"), ("/events/room", "X-Tenant: b\r\n"),
      ("/events/room", ""), ("/events/room", "X-Tenant: a\r\nAuthorization: Bearer one\r\n"),
      ("/events/room", "X-Tenant: a\r\nAuthorization: Bearer two\r\n"),
    ]
    var readers: [TestSocket] = []
    for (number, (target, fields)) in others.enumerated() {
      let reader = try feed.gateway.subscribe(target, fields: fields)
      let upstream = try feed.orchestrator.accept()
      #expect(try !upstream.readRequest().head.contains("Bearer"))
      try upstream.send(TestSocket.eventStream)
      try upstream.sendChunk("data: only \(number)\n\n")
      #expect(data(try reader.read(through: "data: only \(number)\n")) == ["only \(number)"])
      readers += [reader, upstream]
    }
    try feed.send((nil, "mine"))
    // Whoever comes as one of them came shares what that one has.
    let again = try feed.gateway.subscribe(fields: "X-Tenant: a\r\nAuthorization: Bearer two\r\n")
    _ = try again.read(through: "\n\n")
    try readers[11].sendChunk("data: shared\n\n")
    #expect(data(try again.read(through: "data: shared\n")) == ["shared"])
    #expect(feed.orchestrator.isUntouched)
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a public feed is shared whoever subscribes`(workers: Int) throws {
    let feed = try begin(TestGateway.feed(isPublic: true), fields: "Authorization: Bearer one\r\n", workers: workers)
    #expect(!feed.request.contains("Bearer"))
    let second = try feed.gateway.subscribe(fields: "Authorization: Bearer two\r\nCookie: a=b\r\n")
    _ = try second.read(through: "\n\n")
    try feed.send((nil, "1"))
    #expect(data(try second.read(through: "data: 1\n")) == ["1"])
    #expect(feed.orchestrator.isUntouched)
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `credentials that are passed on are part of the key, each of them`(workers: Int) throws
  {
    let feed = try begin(credentials: .all, fields: "Authorization: Bearer one\r\nCookie: a=b\r\n", workers: workers)
    let request = feed.request.lowercased()
    #expect(request.contains("authorization: bearer one\r\n") && request.contains("cookie: a=b\r\n"))
    let other = try feed.gateway.subscribe(fields: "Authorization: Bearer one\r\nCookie: a=c\r\n")
    #expect(try feed.orchestrator.accept().readRequest().head.lowercased().contains("cookie: a=c\r\n"))
    _ = try other.read(through: "\n\n")
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `only GET subscribes, and HEAD asks no upstream`(workers: Int) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], feed: TestGateway.feed(), workers: workers)
    for (method, status) in [("HEAD", "200 OK"), ("POST", "405 Method Not Allowed"), ("DELETE", "405 ")] {
      let client = try gateway.connect()
      try client.send("\(method) /events/room HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
      #expect(try client.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 \(status)"))
    }
    #expect(orchestrator.isUntouched)
    gateway.stop()
  }

  // MARK: - Resuming

  @Test(arguments: [1, 4])
  func `a subscriber goes on behind the event that it names, by the upstream's id or the gateway's`(workers: Int) throws
  {
    let feed = try begin(workers: workers)
    try feed.send(("a", "1"), (nil, "2"), ("b", "3"), ("a", "4"), ("ü/=", "5"))
    let places = [
      ("b", ["4", "5"]), ("\(feed.id).2", ["3", "4", "5"]), ("\(feed.id).0", ["1", "2", "3", "4", "5"]),
      ("a", ["5"]), ("\(feed.id).1", ["2", "3", "4", "5"]),
    ]
    for (id, expected) in places {
      for reader in [
        try feed.gateway.subscribe(fields: "Last-Event-ID: \(id)\r\n"),
        try feed.gateway.subscribe("/events/room?last_event_id=\(id)"),
      ] {
        let caughtUp = try reader.read(through: "data: 5\n")
        #expect(data(caughtUp) == expected, "\(id)")
        #expect(!caughtUp.contains("sluice.gap"))
      }
    }
    let newest = try feed.gateway.subscribe("/events/room?last_event_id=%C3%BC%2F%3D")
    _ = try newest.read(through: "\n\n")
    try feed.send((nil, "6"))
    #expect(data(try newest.read(through: "data: 6\n")) == ["6"])
    #expect(feed.orchestrator.isUntouched)
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `a new subscriber gets what comes from now on, and is told from where`(
    workers: Int
  ) throws {
    let feed = try begin(workers: workers)
    try feed.send(("a", "1"), ("b", "2"))
    let second = try feed.gateway.subscribe()
    #expect(try second.read(through: "\n\n").contains("\nid: b\n\n"))
    try feed.send((nil, "3"))
    #expect(data(try second.read(through: "data: 3\n")) == ["3"])
    let third = try feed.gateway.subscribe()
    #expect(try third.read(through: "\n\n").contains("\nid: \(feed.id).3\n\n"))
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `who names an event that is not kept is told of the gap, then gets all that is`(
    workers: Int
  ) throws {
    var streams = StreamSettings.default
    streams.log.events = 3
    let feed = try begin(TestGateway.feed(), streams, workers: workers)
    try feed.send(("a", "1"), ("b", "2"), ("c", "3"), (nil, "4"), ("e", "5"))
    let stranger = String(repeating: "a", count: 26)
    for id in ["a", "zzz", "\(feed.id).1", "\(feed.id).99", "\(stranger).3"] {
      let reader = try feed.gateway.subscribe(fields: "Last-Event-ID: \(id)\r\n")
      let caughtUp = try reader.read(through: "data: 5\n")
      #expect(caughtUp.contains("\(gap){\"from\":\"\(id)\",\"to\":null}\n\n"))
      #expect(data(caughtUp) == ["{\"from\":\"\(id)\",\"to\":null}", "3", "4", "5"])
    }
    // The last one that is gone is the place before the first that is kept.
    let edge = try feed.gateway.subscribe(fields: "Last-Event-ID: \(feed.id).2\r\n")
    #expect(data(try edge.read(through: "data: 5\n")) == ["3", "4", "5"])
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `an id that nobody here knows is the upstream's to know`(workers: Int) throws {
    let feed = try begin(fields: "Last-Event-ID: 41\r\n", workers: workers)
    #expect(feed.request.contains("Last-Event-ID: 41\r\n"))
    try feed.upstream.sendChunk("data: 1\nid: 42\n\n")
    #expect(data(try feed.first.read(through: "id: 42\n\n")) == ["1"])
    // Everybody who was cut at the same place comes back with the same id, and has lost as little.
    let second = try feed.gateway.subscribe("/events/room?last_event_id=41")
    #expect(data(try second.read(through: "id: 42\n\n")) == ["1"])
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `an id of a feed that is gone is not the upstream's, and what was lost is told`(
    workers: Int
  ) throws {
    let id = "\(String(repeating: "a", count: 26)).5"
    let feed = try begin(fields: "Last-Event-ID: \(id)\r\n", workers: workers)
    #expect(!feed.request.contains("Last-Event-ID"))
    try feed.upstream.sendChunk("data: 1\n\n")
    #expect(data(try feed.first.read(through: "data: 1\n")) == ["{\"from\":\"\(id)\",\"to\":null}", "1"])
    feed.gateway.stop()
  }

  @Test func `an upstream that does not take a client's id is asked without, and who named it is told`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(
      upstream: [orchestrator.port], feed: TestGateway.feed(answerAfter: .seconds(15)))
    let first = try gateway.subscribe(fields: "Last-Event-ID: 41\r\n")
    let refused = try orchestrator.accept()
    #expect(try refused.readRequest().head.contains("Last-Event-ID: 41\r\n"))
    let second = try gateway.subscribe()
    try gateway.settle()
    try refused.send("HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n")
    let upstream = try orchestrator.accept()
    #expect(try !upstream.readRequest().head.contains("Last-Event-ID"))
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: 1\nid: 1\n\n")
    #expect(data(try first.read(through: "id: 1\n\n")) == ["{\"from\":\"41\",\"to\":null}", "1"])
    // It named nothing, so it has lost nothing.
    #expect(data(try second.read(through: "id: 1\n\n")) == ["1"])
    gateway.stop()
  }

  // MARK: - Reconnecting

  @Test(arguments: [1, 4]) func `after its upstream broke off nobody notices more than a pause`(workers: Int) throws {
    var feed = try begin(workers: workers)
    try feed.send(("a", "1"), ("b", "2"))
    #expect(try feed.reconnect().contains("Last-Event-ID: b\r\n"))
    #expect(feed.gateway.log.wait(for: "upstream_failed").values["feed"] == feed.id)
    try feed.upstream.send(TestSocket.eventStream)
    // Some begin with the event that they were asked to go on behind, or earlier.
    try feed.upstream.sendChunk("data: 1\nid: a\n\ndata: 2\nid: b\n\ndata: 3\nid: c\n\ndata: 2\nid: b\n\n")
    let rest = try feed.first.read(through: "id: b\n\n")
    #expect(data(rest) == ["3", "2"], "what was there is not shown again, but what comes again later is")
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `an upstream that ends its answer is asked for the next on the same connection`(
    workers: Int
  ) throws {
    let feed = try begin(workers: workers)
    try feed.send(("a", "1"))
    for number in 2...4 {
      try feed.upstream.sendLastChunk()
      #expect(try feed.upstream.readRequest().head.contains("Last-Event-ID: "))
      try feed.upstream.send(TestSocket.eventStream)
      try feed.send(("\(number)", "\(number)"))
    }
    feed.gateway.stop()
    #expect(feed.orchestrator.isUntouched)
  }

  @Test(arguments: [1, 4]) func `events may have been lost where the upstream gives no ids, and that is told`(
    workers: Int
  ) throws {
    var feed = try begin(workers: workers)
    try feed.send((nil, "1"))
    #expect(try !feed.reconnect().contains("Last-Event-ID"))
    try feed.upstream.send(TestSocket.eventStream)
    try feed.upstream.sendChunk("data: 2\n\n")
    let rest = try feed.first.read(through: "data: 2\n")
    #expect(rest.contains("\(gap){\"from\":null,\"to\":null}\nid: \(feed.id).2\n\n"))
    #expect(data(rest) == ["{\"from\":null,\"to\":null}", "2"])
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `that is told also where a client has named an id that no event of the upstream's has`(
    workers: Int
  ) throws {
    var feed = try begin(fields: "Last-Event-ID: made-up\r\n", workers: workers)
    try feed.send((nil, "1"))
    _ = try feed.reconnect()
    try feed.upstream.send(TestSocket.eventStream)
    try feed.upstream.sendChunk("data: 2\n\n")
    #expect(data(try feed.first.read(through: "data: 2\n")) == ["{\"from\":null,\"to\":null}", "2"])
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `an upstream that says it goes on elsewhere has lost events`(workers: Int) throws {
    var feed = try begin(workers: workers)
    try feed.send(("a", "1"), ("b", "2"))
    _ = try feed.reconnect()
    try feed.upstream.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nLast-Event-ID: q\r\n\r\n")
    try feed.upstream.send("data: 3\nid: r\n\n")
    #expect(data(try feed.first.read(through: "id: r\n\n")) == ["{\"from\":\"b\",\"to\":null}", "3"])
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4]) func `an event that takes the id away is not taken for one that comes again`(
    workers: Int
  ) throws {
    var feed = try begin(workers: workers)
    try feed.upstream.sendChunk("data: tick\nid\n\ndata: 1\nid: a\n\n")
    _ = try feed.first.read(through: "id: a\n\n")
    #expect(try feed.reconnect().contains("Last-Event-ID: a\r\n"))
    try feed.upstream.send(TestSocket.eventStream)
    try feed.upstream.sendChunk("data: tick\nid\n\n")
    #expect(data(try feed.first.read(through: "data: tick\nid: \n\n")) == ["tick"])
    #expect(try !feed.reconnect().contains("Last-Event-ID"))
    feed.gateway.stop()
  }

  @Test(arguments: [408, 425, 429, 500, 503], [1, 4]) func `a status that says try again is tried again`(
    status: Int, workers: Int
  ) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(
      upstream: [orchestrator.port], feed: TestGateway.feed(answerAfter: .seconds(15)), workers: workers)
    let client = try gateway.subscribe()
    for _ in 0..<3 {
      let upstream = try orchestrator.accept()
      _ = try upstream.readRequest()
      try upstream.send("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n")
    }
    // The client's answer has begun meanwhile.
    #expect(try client.read(through: "\n\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(TestSocket.eventStream)
    try upstream.sendChunk("data: 1\n\n")
    #expect(data(try client.read(through: "data: 1\n")) == ["1"])
    #expect(gateway.log.wait(for: "upstream_failed").values["reason"] == "upstream_status")
    gateway.stop()
  }

  @Test(arguments: [1, 4]) func `an upstream that is silent for longer than feed.idle_timeout is asked anew`(
    workers: Int
  ) throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(
      upstream: [orchestrator.port], feed: TestGateway.feed(idleTimeout: .milliseconds(50)), workers: workers)
    let client = try gateway.subscribe()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    // The event in one piece with the head: where this thread is held up between two, the upstream is silent too early.
    try upstream.send(TestSocket.eventStream + TestSocket.chunk("data: 1\nid: a\n\n"))
    #expect(data(try client.read(through: "id: a\n\n")) == ["1"])
    try upstream.waitForEnd()
    let again = try orchestrator.accept()
    #expect(try again.readRequest().head.contains("Last-Event-ID: a\r\n"))
    #expect(gateway.log.wait(for: "upstream_failed").values["reason"] == "upstream_timeout")
    gateway.stop()
  }

  // MARK: - Refusals

  @Test func `what the upstream refuses is passed on to all that wait for it`() throws {
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(
      upstream: [orchestrator.port], feed: TestGateway.feed(answerAfter: .seconds(15)))
    let clients = [try gateway.subscribe(), try gateway.subscribe()]
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try gateway.settle()
    try upstream.send("HTTP/1.1 403 X\r\nContent-Type: application/json\r\nX-Secret: 1\r\nContent-Length: 2\r\n\r\n{}")
    for client in clients {
      let answer = try client.read(through: "\r\n\r\n{}")
      #expect(answer.hasPrefix("HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"))
      #expect(!answer.contains("X-Secret"))
    }
    // That was no feed: the next one asks again, on the connection that was left.
    let next = try gateway.subscribe()
    _ = try upstream.readRequest()
    try upstream.send("HTTP/1.1 204 X\r\n\r\n")
    #expect(try next.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204 No Content\r\n"))
    gateway.stop()
    #expect(orchestrator.isUntouched)
  }

  @Test(arguments: [1, 4]) func `a subscriber whose answer has begun gets the refusal as an event, and then the end`(
    workers: Int
  ) throws {
    var feed = try begin(workers: workers)
    try feed.send(("a", "1"))
    _ = try feed.reconnect()
    try feed.upstream.send("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
    let rest = try feed.first.read(through: "0\r\n\r\n")
    #expect(data(rest) == [#"{"event":"error","source":"gateway","reason":"upstream_status","status":404}"#])
    #expect(feed.gateway.log.wait(for: "request").values["reason"] == "upstream_status")
    feed.gateway.stop()
  }

  @Test(
    arguments: [
      ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi", "upstream_protocol"),
      ("HTTP/1.1 200 OK\r\n\r\ndata: \(String(repeating: "x", count: 140_000))\n\n", "event_too_large"),
    ], [1, 4]) func `what would be wrong each time again ends the feed`(
      upstream: (answer: String, reason: String), workers: Int
    ) throws
  {
    let (answer, reason) = upstream
    let orchestrator = try TestOrchestrator()
    let gateway = try TestGateway(upstream: [orchestrator.port], feed: TestGateway.feed(), workers: workers)
    let client = try gateway.subscribe()
    let upstream = try orchestrator.accept()
    _ = try upstream.readRequest()
    try upstream.send(answer)
    #expect(try client.read(through: "0\r\n\r\n").contains("\"reason\":\"\(reason)\"}"))
    try upstream.waitForEnd()
    gateway.stop()
    #expect(orchestrator.isUntouched)
  }

  @Test(arguments: [1, 4]) func `an upstream that ends for good ends its subscribers' answers`(workers: Int) throws {
    var feed = try begin(workers: workers)
    try feed.send(("a", "1"))
    _ = try feed.reconnect()
    try feed.upstream.send("HTTP/1.1 204 X\r\n\r\n")
    #expect(try feed.first.read(through: "0\r\n\r\n") == "\r\n0\r\n\r\n")
    feed.gateway.stop()
  }

  // MARK: - Ends

  @Test(arguments: [1, 4]) func `a feed that nobody watches lingers as its route says, then its upstream request ends`(
    workers: Int
  ) throws {
    let lingering = try begin(workers: workers)
    try lingering.send(("a", "1"))
    lingering.first.reset()
    _ = lingering.gateway.log.wait(for: "request")
    try lingering.upstream.sendChunk("data: 2\nid: b\n\n")
    let back = try lingering.gateway.subscribe(fields: "Last-Event-ID: a\r\n")
    #expect(data(try back.read(through: "id: b\n\n")) == ["2"])
    #expect(lingering.orchestrator.isUntouched)
    lingering.gateway.stop()

    for policy in [OnAbandoned.cancel, .linger(.milliseconds(100))] {
      let brief = try begin(onAbandoned: policy, workers: workers)
      try brief.send(("a", "1"))
      brief.first.reset()
      try brief.upstream.waitForEnd()
      // The next subscriber's is another feed, which asks the upstream for what that one lacks.
      let next = try brief.gateway.subscribe(fields: "Last-Event-ID: a\r\n")
      #expect(try brief.orchestrator.accept().readRequest().head.contains("Last-Event-ID: a\r\n"))
      _ = try next.read(through: "\n\n")
      brief.gateway.stop()
    }
  }

  @Test(arguments: [1, 4]) func `a feed whose upstream is gone and whom nobody watches asks again when somebody comes`(
    workers: Int
  ) throws {
    let feed = try begin(workers: workers)
    feed.first.reset()
    _ = feed.gateway.log.wait(for: "request")
    try feed.upstream.sendLastChunk()
    let next = try feed.gateway.subscribe()
    _ = try feed.upstream.readRequest()
    // What it has had is not lost to those who come while it lingers.
    #expect(try next.read(through: "\n\n").contains("\nid: \(feed.id).0\n\n"))
    feed.gateway.stop()
  }

  @Test(arguments: [1, 4])
  func `a drain cuts a feed's subscribers, who are to come back, and closes its upstream request`(workers: Int) throws {
    let feed = try begin(workers: workers)
    var readers = [feed.first]
    for _ in 0..<9 {
      let reader = try feed.gateway.subscribe()
      _ = try reader.read(through: "\n\n")
      readers.append(reader)
    }
    try feed.send(("a", "1"))
    for reader in readers.dropFirst() { _ = try reader.read(through: "id: a\n\n") }
    feed.gateway.gateway.drain(within: .milliseconds(300))
    for reader in readers {
      // No event and no last chunk, only when to come back.
      let rest = try reader.readToEnd().split { $0.isNewline }
      #expect(rest.count == 2 && rest.last?.wholeMatch(of: /retry: [0-9]{4}/) != nil, "\(rest)")
    }
    for number in 1...10 {
      #expect(feed.gateway.log.wait(for: "request", number: number).values["reason"] == "drained")
    }
    for reader in readers { reader.endWrites() }
    feed.gateway.gateway.waitUntilDrained()
    try feed.upstream.waitForEnd()
  }

  @Test(arguments: [1, 4]) func `a subscriber that is too slow is disconnected, and comes back to what is kept`(
    workers: Int
  ) throws {
    var streams = StreamSettings.default
    streams.clientBufferBytes = 128 * 1024
    streams.log.bytes = 64 * 1024 * 1024
    let feed = try begin(TestGateway.feed(), streams, workers: workers)
    let slow = try TestSocket(port: feed.gateway.port, receiveBuffer: 4096)
    try slow.send("GET /events/room HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _ = try slow.read(through: "\n\n")
    let text = String(repeating: "x", count: 50_000)
    for number in 1...200 { try feed.send(("\(number)", "\(number) \(text)")) }
    #expect(feed.gateway.log.wait(for: "request").values["reason"] == "slow_reader")
    // Without chunks, so that events are whole in what is read.
    let back = try feed.gateway.connect()
    try back.send("GET /events/room HTTP/1.0\r\nLast-Event-ID: 3\r\n\r\n")
    let rest = try back.read(through: "id: 200\n\n")
    #expect(data(rest).map { $0.prefix { $0 != " " } } == (4...200).map { "\($0)" })
    feed.gateway.stop()
  }
}
