internal import Admission
internal import Bytes
internal import Settings
internal import Streams
internal import Wire

// Finds the feed that a request subscribes to, or starts it.

extension Attach {
  private static let lastEventName = "last_event_id"

  /// Serves a request on a feed route.
  static func serve(_ exchange: Exchange, on route: FeedRoute, named name: String, of worker: Worker) {
    let head = exchange.head
    if head.method == .head { return exchange.respond(Response(streamHead())) }
    var target = route.path.target(for: head.path)
    var query = QueryObject.without(lastEventName, in: head.query.span)
    for name in exchange.hiddenParameters { query = QueryObject.without(name, in: query.span) }
    if !query.isEmpty {
      target.append(UInt8(ascii: "?"))
      target.append(query.span)
    }
    var fields = keyFields(of: head, route)
    if route.credentials.authorization, head.fields.first(.authorization) == nil,
      let authorization = exchange.identity?.authorization
    {
      fields.append("Authorization", authorization.span)
    }
    let key = FeedKey(
      route: name, target: target, fields: fields.separated,
      principal: route.isPublic ? nil : exchange.principal,
      bearer: Principal(forwarded: route.credentials, of: head.fields))
    let last = lastID(of: head)
    // It was told that its place is somebody else's now, and comes back as every EventSource does.
    if let last, EventID(last.span)?.sequence == EventID.endOfRun {
      return exchange.respond(Response(ResponseHead(status: 204)))
    }
    worker.feeds.subscribe(exchange, to: key, on: route, fields: fields, after: last)
  }

  /// Everything that may make the upstream's answer another one.
  private static func keyFields(of head: RequestHead, _ route: FeedRoute) -> FieldSection {
    var fields = FieldSection()
    let authorization = route.credentials.authorization ? [Array("authorization".utf8)] : []
    // In the order and spelling of the settings: what means the same is the same key.
    for name in authorization + route.keyHeaders {
      for index in 0..<head.fields.count {
        let field = head.fields[index]
        guard isName(head.fields.bytes[field.nameRange], name) else { continue }
        fields.append(name.span, head.fields.bytes.span.extracting(field.valueRange))
      }
    }
    if let cookies = route.credentials.cookies.value(from: head.fields) { fields.append("Cookie", cookies.span) }
    fields.append("Accept", "text/event-stream")
    fields.append("Cache-Control", "no-cache")
    return fields
  }

  private static func isName(_ name: ArraySlice<UInt8>, _ wanted: [UInt8]) -> Bool {
    name.count == wanted.count && name.lazy.map(ASCII.lowercased).elementsEqual(wanted)
  }

  /// The id that a client names, whoever gave it; `nil` where there is none, or none that an event could carry.
  private static func lastID(of head: RequestHead) -> [UInt8]? {
    let id: [UInt8]
    if let range = head.fields.first(.lastEventID) {
      id = Array(head.fields.bytes[range])
    } else {
      id = QueryObject.value(of: lastEventName, in: head.query.span).map { Array($0.utf8) } ?? []
    }
    return id.isEmpty ? nil : id
  }
}
