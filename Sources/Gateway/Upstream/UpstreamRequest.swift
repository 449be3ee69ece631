internal import Admission
internal import Bytes
internal import Reactor
internal import Wire

/// Who receives an orchestrator's answer.
protocol UpstreamReceiver: AnyObject {
  /// The head came.
  func upstreamAnswered(_ head: ResponseHead)
  /// Bytes of the body came; they are lent.
  func upstreamDelivered(_ bytes: Span<UInt8>)
  /// The body is whole. Nothing follows.
  func upstreamEnded()
  /// No answer, or no whole one. Nothing follows.
  func upstreamFailed(_ failure: UpstreamFailure)
  /// What it was delivered and holds until more has come.
  var unfinishedBytes: Int { get }
}

extension UpstreamReceiver {
  var unfinishedBytes: Int { 0 }
}

/// Why a request to an upstream has no whole answer.
enum UpstreamFailure: Error, Equatable {
  /// No endpoint took a connection; the last one's words.
  case unreachable(String)
  /// The setting whose time ran out.
  case timeout(StaticString)
  /// The connection ended within the answer, or before it.
  case closed(String)
  /// The answer is not HTTP.
  case violation(HTTPViolation)
  /// The answer changes the protocol (101), which was not asked for.
  case switched
  /// A newer request has its room at the endpoint.
  case evicted
  /// No endpoint has room for one more request.
  case limited(LimitRefusal)
  /// The answer has a status that says try again later.
  case status(Int)

  /// The word for the client, the log and the metric.
  var reason: CloseReason {
    switch self {
    case .unreachable: .upstreamUnreachable
    case .timeout: .upstreamTimeout
    case .closed: .upstreamClosed
    case .violation, .switched: .upstreamProtocol
    case .status: .upstreamStatus
    case .limited: .limited
    case .evicted: .evicted
    }
  }

  /// For the operator.
  var detail: String {
    switch self {
    case .unreachable(let words): words
    case .timeout(let setting): "\(setting) passed"
    case .closed(let words): words
    case .violation(let violation): violation.reason
    case .switched: "the answer changes the protocol (101), which was not asked for"
    case .limited(let refusal): "\(refusal)"
    case .evicted: "a newer request has its room"
    case .status(let status): "the answer has status \(status)"
    }
  }

  static func == (left: UpstreamFailure, right: UpstreamFailure) -> Bool {
    left.reason == right.reason && left.detail == right.detail
  }
}

/// One request on its way to an upstream, and the means to end it.
///
/// - Owner: the stream that it feeds.
/// - Thread: the worker's.
/// - Ends when: the receiver heard `upstreamEnded` or `upstreamFailed`, or the owner called `cancel` or `release`.
final class UpstreamRequest {
  let method: Wire.Method
  private let target: [UInt8]
  private let fields: FieldSection
  private var body: [UInt8] {
    didSet { memory?.add(body.count - oldValue.count, to: .upstreams) }
  }
  /// Where the body counts until an endpoint takes it.
  private let memory: MemoryAccount?
  private(set) var receiver: (any UpstreamReceiver)?
  /// Where it is under way.
  var connection: UpstreamConnection?
  /// How long the answer may pause, where that is not the upstream's to say; zero for as long as it likes.
  let idleTimeout: Duration?
  /// Endpoints that did not take it.
  var attempts = 0
  /// For whom it is, as limits count.
  let subject: LimitSubject
  /// Its room at the limits of its endpoint.
  private var room: EndpointRoom?

  /// - Parameters:
  ///   - method: e.g. POST.
  ///   - target: path and query.
  ///   - fields: what is forwarded, without Host and length.
  ///   - body: whole.
  ///   - idleTimeout: how long the answer may pause; `nil` for the upstream's own time.
  ///   - subject: for whom it is.
  ///   - memory: where the body counts.
  ///   - receiver: kept until the end.
  init(
    method: Wire.Method, target: [UInt8], fields: FieldSection, body: [UInt8], idleTimeout: Duration? = nil,
    subject: LimitSubject, within memory: MemoryAccount? = nil, for receiver: any UpstreamReceiver
  ) {
    self.memory = memory
    memory?.add(body.count, to: .upstreams)
    self.method = method
    self.target = target
    self.fields = fields
    self.body = body
    self.idleTimeout = idleTimeout
    self.subject = subject
    self.receiver = receiver
  }

  /// Whether somebody still wants the answer.
  var isWanted: Bool { receiver != nil }

  /// The bytes for one endpoint, once: a request of which anything was sent is offered to no other.
  func encoded(for authority: String) -> [UInt8] {
    let (target, body) = (target, body)
    self.body = []
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.count + fields.bytes.count + target.count + 256)
    var all = FieldSection()
    all.append("Host", authority)
    all.append(contentsOf: fields)
    HTTP1Encoder.appendRequest(
      method: method, target: target.span, fields: all, framing: method == .get ? .none : .length(UInt64(body.count)),
      to: &bytes)
    bytes.append(body.span)
    return bytes
  }

  /// Takes room at an endpoint, or gives back what it has.
  func leave(_ room: EndpointRoom?) {
    self.room?.giveBack()
    self.room = room
  }

  /// Gives the request up at once: its connection is closed.
  func cancel() {
    leave(nil)
    receiver = nil
    body = []
    let connection = self.connection
    self.connection = nil
    connection?.cancel(self)
  }

  /// The owner has all it wants: the connection may wait for the answer's end to be used again.
  func release() {
    leave(nil)
    receiver = nil
    let connection = self.connection
    self.connection = nil
    connection?.release(self)
  }

  /// Leaves the answer's bytes with the endpoint, which notices; no time runs meanwhile.
  func hold() { connection?.hold(self) }

  /// Takes the answer's bytes again.
  func letGo() { connection?.letGo(self) }

  /// Ends it here, and tells the receiver.
  func abort(_ failure: UpstreamFailure) {
    let connection = self.connection
    connection?.cancel(self)
    fail(failure)
  }

  func end() {
    leave(nil)
    body = []
    connection = nil
    let receiver = self.receiver
    self.receiver = nil
    receiver?.upstreamEnded()
  }

  func fail(_ failure: UpstreamFailure) {
    leave(nil)
    body = []
    connection = nil
    let receiver = self.receiver
    self.receiver = nil
    receiver?.upstreamFailed(failure)
  }
}
