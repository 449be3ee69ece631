internal import Admission
internal import Bytes
public import Reactor
public import Streams
public import Wire

/// What became of a request that was received.
public protocol ExchangeOwner: AnyObject {
  /// The exchange is over, for whatever reason; its transport is not to be used any more.
  func exchangeEnded(_ exchange: Exchange, _ reason: CloseReason)
  /// The client of a stream can take bytes again.
  func clientWritable()
  /// When the client last took bytes that were written without the transport; `nil` where none were.
  var lastWrite: Instant? { get }
}

extension ExchangeOwner {
  /// Who writes by the transport alone has nothing to tell.
  public var lastWrite: Instant? { nil }
}

/// One request and its answer, whatever carried it.
///
/// - Owner: its transport, until the answer ends.
/// - Thread: the connection's loop.
/// - Ends when: the transport tells `owner`, once.
public final class Exchange {
  /// When the head was received.
  public let began: Instant
  /// Where the connection comes from.
  public let peer: SocketAddress
  /// What it asks in full; `nil` once its stream has begun.
  private var request: ReceivedRequest?
  /// Who the client is for the log; `nil` for one on this machine.
  private(set) var clientAddress: IPAddress?
  /// Ends the stream when the token of its request expires.
  var expiry: TimerID?
  /// What `memory.budget` counts for it, and how much of that for its body.
  var heldBytes = 0
  var bodyBytes = 0
  /// What it holds while it counts as a stream; given back where its end is told.
  var slot: Slot?
  /// The way back to the client.
  public private(set) var transport: (any ExchangeTransport)?
  /// Who serves the request; told when the exchange is over.
  public var owner: (any ExchangeOwner)?
  /// Where the router sent it.
  var route: Route?
  /// What the log line says of it.
  public var record = ExchangeRecord()
  /// What it asks for.
  public let method: Wire.Method
  /// The version that the client speaks.
  public let version: HTTPVersion
  /// Whether it was admitted as a stream, and counts as one.
  var isStream = false
  /// Why a stream ends before its log does.
  var leaving: CloseReason?

  init(
    _ head: RequestHead, peer: SocketAddress, clientPeer: ClientPeer, began: Instant,
    over transport: any ExchangeTransport
  ) {
    method = head.method
    version = head.version
    self.peer = peer
    self.began = began
    self.transport = transport
    request = ReceivedRequest(head, clientPeer: clientPeer)
  }

  /// The request's head; one that asks for nothing once its stream has begun.
  public var head: RequestHead { request?.head ?? .none }

  /// The request's body, whole; empty until it was received, and after it was passed on.
  public internal(set) var body: [UInt8] {
    get { request?.body ?? [] }
    set { request?.body = newValue }
  }

  /// Takes bytes of the body.
  func receive(_ bytes: Span<UInt8>) {
    request?.body.append(bytes)
  }

  /// Fields that every answer to this request carries, such as for CORS, until one has begun.
  public var answerFields: FieldSection {
    get { request?.answerFields ?? FieldSection() }
    set { request?.answerFields = newValue }
  }

  /// The listener by which it came in, until its stream has begun.
  var door: Door? {
    get { request?.door }
    set { request?.door = newValue }
  }

  /// By what it came.
  var scheme: ClientScheme { door?.scheme ?? .http }

  /// Who is at the other end of the connection, where a PROXY header told after that.
  var clientPeer: ClientPeer { request?.clientPeer ?? .unixSocket }

  /// Who the client is, as far as somebody who is believed has told; `nil` until the head was judged.
  var client: ClientAddress? {
    get { request?.client }
    set {
      request?.client = newValue
      clientAddress = newValue?.address
    }
  }

  /// Who asks, once that was found out, until the stream has begun.
  var identity: ExchangeIdentity? {
    get { request?.identity }
    set { request?.identity = newValue }
  }

  /// Who it is to the gateway; `nil` where it shows no identity.
  var principal: Principal? { request?.identity?.principal }

  /// Names in the query that speak to the gateway: the ticket, the token.
  var hiddenParameters: [String] {
    get { request?.hiddenParameters ?? [] }
    set { request?.hiddenParameters = newValue }
  }

  /// The stream has begun: what was asked is not needed any more, and a stream may last for days.
  func forgetRequest() {
    request = nil
  }

  /// Answers with a whole body and ends.
  ///
  /// Where a stream has begun already, its client hears the same by an event.
  public func respond(_ response: Response) {
    if let limit = response.limit { record.limit = limit }
    if let transport, transport.isStreaming {
      leaving = response.reason
      return transport.end(farewell: response.asEvents, of: self)
    }
    var response = response
    response.head.fields.append(contentsOf: answerFields)
    record.status = response.head.status
    if let reason = response.reason { record.reason = reason }
    transport?.respond(response, to: self)
  }

  /// Takes the body out: after this nothing of it is kept here.
  public func takeBody() -> [UInt8] {
    defer { body = [] }
    return body
  }

  /// Goes on elsewhere: nobody is told.
  func leave() {
    transport = nil
    owner = nil
  }

  func end(_ reason: CloseReason) {
    guard transport != nil else { return }
    transport = nil
    let owner = self.owner
    self.owner = nil
    owner?.exchangeEnded(self, reason)
  }
}

/// A stream by its kind and its id.
public enum StreamName: Sendable {
  /// One orchestrator request and its answer.
  case run(StreamID)
  /// One long-lived request, shared by many.
  case feed(StreamID)
  /// Many streams over one connection.
  case mux(StreamID)
}

/// What the log line of a finished request says.
public struct ExchangeRecord {
  /// The route's path as configured, `-` where none matched.
  public var route = "-"
  /// The status that was sent, zero where none was.
  public var status = 0
  /// The stream that the answer carried.
  public var stream: StreamName?
  /// The mux that carries it.
  var mux: StreamID?
  /// Events that were sent to this client.
  public var events: UInt64 = 0
  /// Events that it has once it took everything that it was offered.
  public var offered: UInt64 = 0
  /// The limit that had no room, or whose room somebody else got.
  public var limit: String?
  /// Bytes of answer that the client's socket took.
  public var bytes: UInt64 = 0
  /// Why the answer ended, where it is not the transport that knows.
  public var reason: CloseReason?

  /// Whether its events are those of the streams that it carries, which are counted there.
  var isMux: Bool {
    if case .mux = stream { true } else { false }
  }
}

/// An answer with its whole body.
public struct Response: Sendable {
  /// Status and fields.
  public var head: ResponseHead
  /// The body; its length field is added by the transport.
  public var body: [UInt8]
  /// The word for the log where it isn't `completed`.
  public var reason: CloseReason?
  /// The limit that had no room.
  var limit: String?

  /// An answer with its whole body.
  public init(_ head: ResponseHead, body: [UInt8] = [], reason: CloseReason? = nil) {
    self.head = head
    self.body = body
    self.reason = reason
  }

  /// The same for a client that is being answered with a stream: its own events, an error event, or just an end.
  var asEvents: [UInt8] {
    switch head.status {
    case 200: return body
    case 204: return []
    default:
      var events: [UInt8] = []
      let (type, data) = ([UInt8](), GatewayEvent.error(reason ?? .refused, in: "event", status: head.status))
      SSEEncoder.append(id: nil, type: type.span, data: data.span, to: &events)
      return events
    }
  }

  /// How its body is delimited: not at all where there can be none, or where HEAD asks about a stream.
  func framing(for method: Wire.Method) -> BodyFraming {
    if head.status == 204 || head.status == 304 { return .none }
    return method == .head && body.isEmpty ? .none : .length(UInt64(body.count))
  }
}

/// How far a pump got.
public enum PumpProgress: Equatable, Sendable {
  /// Everything in the log was taken.
  case caughtUp
  /// The client takes no more now; the transport asks again when it does.
  case blocked
  /// The rest waits its turn among others of the same connection; the transport asks again.
  case yielded
  /// The exchange ended, within this call.
  case ended
}

/// The way an exchange's answer takes to its client.
///
/// An HTTP/1 connection is one, a stream of an HTTP/2 connection the other.
public protocol ExchangeTransport: AnyObject {
  /// Sends a whole answer and ends the exchange.
  func respond(_ response: Response, to exchange: Exchange)
  /// Whether an answer that is a stream has begun.
  var isStreaming: Bool { get }
  /// Whether an exchange that is not answered yet may go on on another worker, with its connection.
  ///
  /// One of several on a connection can't: its stream is mirrored where it is.
  var isMovable: Bool { get }
  /// Begins an answer whose body is a stream; the head waits for the first pump. One that has begun gets the prelude only.
  ///
  /// - Parameters:
  ///   - head: status and fields.
  ///   - prelude: bytes of the body that belong to this client alone.
  ///   - exchange: whose answer it is.
  func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange)
  /// Sends what the log has behind the cursor, as far as the client takes it, with one write a call.
  ///
  /// - Parameters:
  ///   - log: where the bytes lie.
  ///   - cursor: the client's place, moved by what was taken.
  ///   - isFinal: nothing follows in the log: the body ends once all was taken.
  /// - Returns: how far it got.
  func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress
  /// How many bytes of the stream the client was promised and has not got: whatever it gets next is at least as many.
  var promisedBytes: Int { get }
  /// Ends a stream with last events, after what its client was promised.
  ///
  /// - Parameters:
  ///   - farewell: whole events, or nothing.
  ///   - exchange: whose answer it is.
  func end(farewell: [UInt8], of exchange: Exchange)
  /// Ends a stream without its end, for a client that is to come back: HTTP/1 leaves the last chunk out.
  ///
  /// - Parameters:
  ///   - farewell: a last line, left out where it would stand within an event.
  ///   - reason: why.
  func cut(farewell: [UInt8], _ reason: CloseReason)
  /// Gives the client up: the answer is cut, the connection closed.
  func abort(_ reason: CloseReason)
}

/// Who takes requests from a connection.
public protocol RequestReceiver: AnyObject {
  /// A head was received. To refuse, answer; otherwise the body is received next, and `received` called.
  func headReceived(_ exchange: Exchange)
  /// More of the body came.
  func bodyGrew(_ exchange: Exchange)
  /// The request is whole.
  func received(_ exchange: Exchange)
  /// A connection holds so many more bytes, or fewer, that are no whole request yet, or that its client has not taken.
  func holds(requests: Int, answers: Int)
  /// The client of a stream can take bytes again.
  func clientWritable(_ exchange: Exchange)
  /// A request came to its end; once for each, whatever the end.
  func finished(_ exchange: Exchange, _ reason: CloseReason)
  /// A connection was refused or ended before a request was understood.
  func rejected(peer: SocketAddress, status: Int, detail: String, _ reason: CloseReason)
  /// A connection is gone.
  func disconnected(_ connection: HTTP1Connection)
  /// A connection's handshake came to its end; once for each that has one. Where it did not succeed, the connection is
  /// about to end.
  func handshakeEnded(_ connection: HTTP1Connection, _ outcome: HandshakeOutcome, detail: String)
}

extension RequestReceiver {
  /// Without TLS there are none.
  public func handshakeEnded(_ connection: HTTP1Connection, _ outcome: HandshakeOutcome, detail: String) {}
}

extension RequestReceiver {
  /// Without a budget, nothing is counted.
  public func bodyGrew(_ exchange: Exchange) {}

  /// Without a budget, nothing is counted.
  public func holds(requests: Int, answers: Int) {}
}

extension Exchange: SlotOwner {
  func slotGranted(_ slot: Slot) {}

  func slotRefused(_ refusal: LimitRefusal) {}

  /// Its room is for a newer one: its client is told, by an id with which it will not come back for it.
  func slotEvicted(by limit: String) {
    record.limit = limit
    let response = Problem.response(
      status: 429, detail: "a newer stream has taken the place of this one", reason: .evicted,
      members: [("limit", limit)])
    guard let transport, transport.isStreaming else { return respond(response) }
    leaving = .evicted
    let id: [UInt8]? =
      switch record.stream {
      case .run(let id), .feed(let id), .mux(let id): Array("\(id).\(EventID.endText)".utf8)
      case nil: nil
      }
    var farewell: [UInt8] = []
    let (type, data) = (Array("sluice.evicted".utf8), Array("{\"limit\":\"\(limit)\"}".utf8))
    SSEEncoder.append(id: id, type: type.span, data: data.span, to: &farewell)
    transport.end(farewell: farewell, of: self)
  }
}

extension Exchange: TimerOwner {
  /// The token of its request has expired.
  public func timerFired(_ tag: UInt8) {
    expiry = nil
    guard let transport, transport.isStreaming else { return respond(Denial.expired.response) }
    leaving = .tokenExpired
    var farewell: [UInt8] = []
    let (type, data) = (Array("sluice.expired".utf8), Array("{\"reason\":\"token_expired\"}".utf8))
    if case .mux = record.stream {
      MuxMessage.append(MuxMessage.own, type: "sluice.expired", json: data, to: &farewell)
      farewell.append("\n")
    } else {
      SSEEncoder.append(id: nil, type: type.span, data: data.span, to: &farewell)
    }
    transport.end(farewell: farewell, of: self)
  }
}
