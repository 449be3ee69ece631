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
    let query = QueryObject.without(lastEventName, in: head.query.span)
    if !query.isEmpty {
      target.append(UInt8(ascii: "?"))
      target.append(query.span)
    }
    let fields = keyFields(of: head, route)
    let key = FeedKey(
      route: name, target: target, fields: fields.bytes,
      principal: route.isPublic ? nil : Principal(head.fields, route.identity),
      bearer: route.forwardsCredentials ? credentials(of: head) : nil)
    let last = lastID(of: head)
    worker.feeds.subscribe(exchange, to: key, on: route, fields: fields, after: last)
  }

  /// Everything that may make the upstream's answer another one.
  private static func keyFields(of head: RequestHead, _ route: FeedRoute) -> FieldSection {
    var fields = FieldSection()
    for index in 0..<head.fields.count {
      let field = head.fields[index]
      let isPassed =
        switch field.name {
        case .cookie, .authorization: route.forwardsCredentials
        default: route.keyHeaders.contains { isName(head.fields.bytes[field.nameRange], $0) }
        }
      if isPassed { fields.append(field, of: head.fields) }
    }
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
