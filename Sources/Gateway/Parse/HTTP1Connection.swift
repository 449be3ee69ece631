internal import Admission
internal import Bytes
public import Reactor
internal import Streams
internal import Wire

/// A client's connection that speaks HTTP/1.0 or 1.1: bytes in, one exchange at a time, bytes out.
///
/// RFC 9112.
///
/// Reading is here, answering in `HTTP1Answer.swift`. A request that arrives in one read is parsed where the
/// loop's buffer lies; only what is not whole yet is copied.
/// - Owner: its socket, until `close`.
/// - Thread: the loop's.
/// - Bound: one head, one body, or one head's worth of pipelined bytes; reads pause beyond that.
/// - Ends when: `close` is called, the only way.
public final class HTTP1Connection: SocketOwner, TimerOwner {
  enum State {
    /// Between requests, or within a head.
    case head
    /// Within the body of this exchange's request.
    ///
    /// Rare and large, so it lies elsewhere.
    indirect case body(Exchange, BodyDecoder)
    /// The request is whole, its answer is not.
    case answering(Exchange)
    /// The answer is a last one: whatever still comes is dropped.
    case lingering
    case closed
  }

  let loop: Loop
  let socket: Socket
  let limits: ConnectionLimits
  let receiver: any RequestReceiver
  /// Where the connection comes from.
  public let peer: SocketAddress
  /// Who a PROXY header says is there.
  private var proxied: ProxiedPeer?
  /// The listener by which it came in; `nil` for a connection that came by none.
  var door: Door?
  /// What the connection holds while it counts as one; given back where its end is told.
  var slot: Slot?

  /// Where the worker keeps it.
  var place = -1
  var state = State.head
  /// How far a head was read that is not whole yet.
  private var partialHead: PartialHead?
  /// Who goes on where the first bytes are those of HTTP/2; `nil` where it is not spoken.
  var http2: (any HTTP2Receiver)?
  /// Received bytes that are no whole head yet, or belong to a later request.
  var input: [UInt8] = []
  /// How many these are.
  var takenInput: Int { input.count }
  /// Where the connection goes on, once the bytes at hand were taken.
  var pendingMove: ((MovedConnection) -> Void)?
  var timer: TimerID?
  /// Whether another worker goes on with it.
  var isMoved = false
  /// Whether the proxy's own header comes before the first request.
  private(set) var expectsProxyHeader: Bool
  private(set) var isProcessing = false
  private var isReadPaused = false
  /// An answer was sent and no byte of the next request has come.
  var isBetweenRequests = false
  var persists = true
  var isBlocked = false
  /// Closes after the answer under way.
  var isDraining = false

  // The answer under way, see HTTP1Answer.swift.
  var framing: ChunkFraming?
  /// The last events of a stream that is to end, whatever else is in its log.
  var farewell: [UInt8]?
  var unsentAnswer: [UInt8] = []
  var lastProgress: Instant
  /// What is counted for what it holds.
  var accounted: (requests: Int32, answers: Int32) = (0, 0)

  /// Takes over an accepted descriptor and begins to read.
  public init(
    takingOver descriptor: Int32, from peer: SocketAddress, on loop: Loop, limits: ConnectionLimits,
    expectsProxyHeader: Bool = false, for receiver: any RequestReceiver
  ) {
    self.loop = loop
    self.peer = peer
    self.expectsProxyHeader = expectsProxyHeader
    self.limits = limits
    self.receiver = receiver
    lastProgress = loop.now
    socket = Socket(takingOver: descriptor, on: loop)
    socket.start(for: self)
    arm(after: limits.headTimeout)
  }

  /// Who is there.
  var clientPeer: ClientPeer { proxied?.peer ?? peer.clientPeer }

  /// The proxy's header has come.
  func believe(_ header: ProxyHeader) {
    expectsProxyHeader = false
    proxied = ProxiedPeer(clientPeer.speakingFor(header))
  }

  /// Whether no request is under way: nothing is lost by closing it.
  public var isIdle: Bool {
    if case .head = state { true } else { false }
  }

  /// Lets the request under way be the last; an idle connection is closed at once.
  public func drain() {
    isDraining = true
    if isIdle { close(.drained) }
  }

  // MARK: - Reading

  /// Takes what the socket has.
  public func socketReadable() {
    defer { account() }
    // While reads are paused only the client's end is reported; what it sent before is for nobody.
    if isReadPaused { return close(.clientClosed) }
    if isProxyHeaderInTheClear { return readProxyHeader() }
    let outcome = socket.read { bytes in
      if input.isEmpty {
        process(bytes)
      } else {
        input.append(bytes)
        processInput()
      }
    }
    switch outcome {
    case .read, .wouldBlock:
      break
    case .ended:
      close(.clientClosed)
    case .failed:
      close(.clientReset)
    }
  }

  /// Who is there, as another worker was told.
  func adopt(_ peer: ClientPeer, _ slot: Slot?) {
    if peer != clientPeer { proxied = ProxiedPeer(peer) }
    self.slot = slot
  }

  /// Gives the bytes behind the request to whoever goes on with the connection.
  func takeInput() -> [UInt8] {
    defer { input = [] }
    return input
  }

  /// Takes the bytes behind the request, before any others.
  func put(back bytes: [UInt8]) {
    input = bytes + input
  }

  /// Parses what is left of earlier reads.
  func processInput() {
    guard !isProcessing, !input.isEmpty else { return }
    let bytes = input
    input = []
    process(bytes.span)
  }

  /// Takes bytes as far as the state allows and keeps the rest.
  private func process(_ bytes: Span<UInt8>) {
    isProcessing = true
    var offset = 0
    do throws(RequestFault) {
      while try take(bytes, at: &offset) {}
    } catch {
      reject(error)
      offset = bytes.count
    }
    isProcessing = false
    switch state {
    case .closed, .lingering: return
    case .head, .body, .answering: break
    }
    if offset < bytes.count { input.append(bytes.extracting(offset...)) }
    if pendingMove != nil { return moveIfPending() }
    guard input.count >= limits.head.headBytes, case .answering = state else { return }
    if unsentAnswer.isEmpty {
      // A stream may last long, and libevent reports a reset only where reads or writes are watched: what the client
      // sends on and on is dropped, and this request is its last.
      persists = false
      input = []
    } else if !isReadPaused {
      isReadPaused = true
      socket.pauseReads()
    }
  }

  /// One step of the parse: false when more bytes or another state are needed first.
  private func take(_ bytes: Span<UInt8>, at offset: inout Int) throws(RequestFault) -> Bool {
    switch state {
    case .head:
      guard offset < bytes.count else { return false }
      if expectsProxyHeader {
        guard let header = try Self.proxyHeader(bytes.extracting(offset...)) else { return false }
        believe(header)
        offset += header.byteCount
        return true
      }
      if let http2 {
        let rest = bytes.extracting(offset...)
        guard let isHTTP2 = HTTP2Preface.isBegun(by: rest) else { return false }
        self.http2 = nil
        if isHTTP2 {
          goOn(with: rest, for: http2)
          return false
        }
      }
      if isBetweenRequests {
        isBetweenRequests = false
        arm(after: limits.headTimeout)
      }
      guard let consumed = try takeHead(bytes.extracting(offset...)) else { return false }
      offset += consumed
      return true
    case .body(let exchange, let decoder):
      return try takeBody(bytes, at: &offset, of: exchange, decoder)
    case .answering, .lingering, .closed:
      return false
    }
  }

  static func proxyHeader(_ bytes: Span<UInt8>) throws(RequestFault) -> ProxyHeader? {
    do throws(ProxyViolation) {
      return try ProxyHeader.parse(bytes)
    } catch {
      throw .proxyHeader(error)
    }
  }

  private func takeHead(_ bytes: Span<UInt8>) throws(RequestFault) -> Int? {
    var parser = partialHead?.parser ?? RequestHeadParser(limits: limits.head)
    do throws(HTTPViolation) {
      guard let (head, consumed) = try parser.parse(bytes) else {
        partialHead = PartialHead(parser)
        return nil
      }
      partialHead = nil
      begin(head, try head.bodyFraming())
      return consumed
    } catch {
      throw .violation(error)
    }
  }

  private func begin(_ head: RequestHead, _ framing: BodyFraming) {
    let exchange = Exchange(head, peer: peer, clientPeer: clientPeer, began: loop.now, over: self)
    exchange.door = door
    persists = head.persistsConnection && !isDraining
    let decoder = BodyDecoder(framing: framing)
    state = .body(exchange, decoder)
    receiver.headReceived(exchange)
    // The receiver may have refused: then the exchange is over and the state another.
    guard case .body(let current, _) = state, current === exchange else { return }
    if decoder.isComplete { return requestComplete(exchange) }
    if case .length(let length) = framing, length > UInt64(limits.bodyBytes) {
      return reject(.bodyTooLarge(given: length, allowed: limits.bodyBytes))
    }
    arm(after: limits.bodyTimeout)
    if head.expectsContinue { writeContinue() }
  }

  private func takeBody(
    _ bytes: Span<UInt8>, at offset: inout Int, of exchange: Exchange, _ before: BodyDecoder
  ) throws(RequestFault) -> Bool {
    var decoder = before
    let step: BodyDecoder.Step
    do throws(HTTPViolation) {
      step = try decoder.next(in: bytes, at: &offset)
    } catch {
      throw .violation(error)
    }
    state = .body(exchange, decoder)
    switch step {
    case .payload(let range):
      let length = exchange.body.count + range.count
      guard length <= limits.bodyBytes else { throw .bodyTooLarge(given: UInt64(length), allowed: limits.bodyBytes) }
      exchange.receive(bytes.extracting(range))
      receiver.bodyGrew(exchange)
      return true
    case .needMore:
      return false
    case .complete:
      requestComplete(exchange)
      return true
    }
  }

  private func requestComplete(_ exchange: Exchange) {
    state = .answering(exchange)
    disarm()
    receiver.received(exchange)
  }

  /// Answers bytes that are no acceptable request, and closes.
  private func reject(_ fault: RequestFault) {
    let response = Problem.response(status: fault.status, detail: fault.description, reason: .badRequest)
    switch state {
    case .body(let exchange, _), .answering(let exchange):
      persists = false
      exchange.respond(response)
    case .head:
      receiver.rejected(peer: peer, status: fault.status, detail: fault.description, .badRequest)
      respondLast(response)
    case .lingering, .closed:
      break
    }
  }

  // MARK: - Ending

  /// The answer is whole: the next request, or the end.
  func answerComplete() {
    guard case .answering(let exchange) = state else { return }
    framing = nil
    farewell = nil
    finish(exchange, exchange.leaving ?? exchange.record.reason ?? .completed)
    guard persists, !isDraining else { return linger() }
    state = .head
    isBetweenRequests = input.isEmpty
    arm(after: isBetweenRequests ? limits.idleTimeout : limits.headTimeout)
    if isReadPaused {
      isReadPaused = false
      socket.resumeReads()
    }
    processInput()
  }

  /// Ends our side and waits for the client to have read it.
  func linger() {
    state = .lingering
    input = []
    socket.endWrites()
    if isReadPaused {
      isReadPaused = false
      socket.resumeReads()
    }
    // What a layer holds back of the answer is lost with the connection, other than what the kernel does.
    arm(after: socket.isFlushed ? ConnectionLimits.lingering : limits.sendTimeout)
  }

  /// Turned out to speak HTTP/2: its socket goes on as that.
  private func goOn(with bytes: Span<UInt8>, for receiver: any HTTP2Receiver) {
    guard let successor = HTTP2Connection(goingOnFrom: self, for: receiver) else { return close(.clientReset) }
    state = .closed
    disarm()
    receiver.goesOn(self, as: successor)
    successor.start(with: bytes)
  }

  /// Ends the connection: the only way.
  ///
  /// Whatever was under way ends with the reason.
  func close(_ reason: CloseReason) {
    let exchange: Exchange?
    switch state {
    case .body(let under, _), .answering(let under): exchange = under
    case .head, .lingering: exchange = nil
    case .closed: return
    }
    state = .closed
    disarm()
    input = []
    partialHead = nil
    unsentAnswer = []
    framing = nil
    account()
    if let exchange { finish(exchange, exchange.leaving ?? exchange.record.reason ?? reason) }
    socket.close()
    receiver.disconnected(self)
  }

  func finish(_ exchange: Exchange, _ reason: CloseReason) {
    exchange.end(reason)
    receiver.finished(exchange, reason)
  }
}

/// A head that came in parts: kept only while it is not whole.
private final class PartialHead {
  let parser: RequestHeadParser

  init(_ parser: RequestHeadParser) {
    self.parser = parser
  }
}

/// Who is behind a proxy: kept only where there is one.
private final class ProxiedPeer {
  let peer: ClientPeer

  init(_ peer: ClientPeer) {
    self.peer = peer
  }
}

/// A connection belongs to its loop's thread.
@available(*, unavailable)
extension HTTP1Connection: Sendable {}
