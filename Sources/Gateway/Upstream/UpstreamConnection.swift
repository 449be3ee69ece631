internal import Bytes
internal import Reactor
internal import Settings
internal import Wire

/// A connection to an endpoint that speaks HTTP/1.1: one request at a time, answers decoded as they come.
///
/// - Owner: its socket, until `close`.
/// - Thread: the worker's.
/// - Bound: the request until it is sent, and a head that is not whole; bodies are passed on as they come.
/// - Ends when: the answer can't be followed by another, the request is cancelled, or nobody used it for
///   `upstreams.*.keep_alive`.
final class UpstreamConnection: SocketOwner, TimerOwner {
  private enum State {
    case connecting
    /// The request is on its way, the answer's head is awaited.
    case head
    case body
    /// The request was released: what is left of the answer is dropped.
    case dropping
    case unused
    case closed
  }

  /// How long, and how much of, an answer nobody wants is read so that the connection can be used again.
  private static let droppingTime = Duration.seconds(1)
  private static let droppingBytes = 64 * 1024

  private let endpoint: Endpoint
  private var socket: Socket?
  private var state = State.connecting
  private var request: UpstreamRequest?
  private var addresses: ArraySlice<SocketAddress>
  private var refused: Endpoint.Refused?

  private var unsent: ArraySlice<UInt8> = []
  private var input: [UInt8] = []
  private var headParser = ResponseHeadParser(limits: HeadLimits(headBytes: 64 * 1024, targetBytes: 0))
  private var body = BodyDecoder(framing: .none)
  private var persists = false
  /// Whether the answer is left unread for a while.
  private var isHeld = false
  private var dropped = 0
  /// What is counted for its buffers.
  private var accountedBytes = 0

  private var deadline = Instant(nanoseconds: 0)
  private var lastRead = Instant(nanoseconds: 0)
  private var timer: TimerID?

  private init(_ endpoint: Endpoint, _ addresses: [SocketAddress]) {
    self.endpoint = endpoint
    self.addresses = addresses[...]
  }

  /// Opens a connection for a request, trying the addresses in order.
  static func open(
    _ endpoint: Endpoint, _ addresses: [SocketAddress], for request: UpstreamRequest,
    refused: @escaping Endpoint.Refused
  ) {
    let connection = UpstreamConnection(endpoint, addresses)
    endpoint.registry.opened(connection)
    connection.request = request
    connection.refused = refused
    request.connection = connection
    connection.connectNext(failure: .unreachable("\(endpoint.address.authority): no address"))
  }

  /// Takes a request on a kept connection.
  ///
  /// False where the endpoint has closed it meanwhile.
  func reuse(for request: UpstreamRequest) -> Bool {
    guard case .unused = state, let socket, socket.isQuiet else {
      close()
      return false
    }
    self.request = request
    request.connection = self
    sendRequest()
    return true
  }

  /// The owner gives its request up.
  func cancel(_ cancelled: UpstreamRequest) {
    guard request === cancelled else { return }
    request = nil
    close()
  }

  /// The owner has what it wants of the answer.
  func release(_ released: UpstreamRequest) {
    guard request === released else { return }
    letGo(released)
    request = nil
    guard case .body = state, persists, unsent.isEmpty else { return close() }
    state = .dropping
    setDeadline(Self.droppingTime)
  }

  /// Leaves what comes of the answer in the kernel; that the endpoint has gone is noticed later.
  func hold(_ held: UpstreamRequest) {
    guard request === held, case .body = state, !isHeld else { return }
    isHeld = true
    socket?.ignoreReads()
    endpoint.loop.cancelTimer(&timer)
  }

  /// Reads again; the time between two reads begins anew.
  func letGo(_ held: UpstreamRequest) {
    guard request === held, isHeld else { return }
    isHeld = false
    socket?.resumeReads()
    lastRead = endpoint.loop.now
    setIdleDeadline()
  }

  /// Closes; the only way.
  ///
  /// A request under way must have been ended before.
  func close() {
    if case .closed = state { return }
    if case .unused = state { endpoint.forget(self) }
    state = .closed
    endpoint.registry.closed(self)
    endpoint.loop.cancelTimer(&timer)
    unsent = []
    input = []
    refused = nil
    account()
    socket?.close()
    socket = nil
  }

  /// Counts what is held here, and by whoever takes the answer, until it is sent or a whole event.
  private func account() {
    var bytes = 0
    if case .closed = state {} else { bytes = unsent.count + input.count + (request?.receiver?.unfinishedBytes ?? 0) }
    guard bytes != accountedBytes else { return }
    endpoint.registry.holds(bytes - accountedBytes)
    accountedBytes = bytes
  }

  // MARK: - Connecting

  private func connectNext(failure: UpstreamFailure) {
    var failure = failure
    while let address = addresses.popFirst() {
      do throws(SystemError) {
        let options = SocketOptions(keepalive: endpoint.settings.tcpKeepalive)
        socket = try Socket.connect(to: address, with: options, on: endpoint.loop, for: self)
        setDeadline(endpoint.settings.connectTimeout)
        return
      } catch {
        failure = .unreachable("\(endpoint.address.authority): \(error.words)")
      }
    }
    let refused = self.refused
    request?.connection = nil
    request = nil
    close()
    refused?(failure)
  }

  private func attemptFailed(_ failure: UpstreamFailure) {
    socket?.close()
    socket = nil
    connectNext(failure: failure)
  }

  // MARK: - Sending

  private func sendRequest() {
    guard let request else { return }
    refused = nil
    state = .head
    unsent = request.encoded(for: endpoint.address.authority)[...]
    setDeadline(endpoint.settings.firstByteTimeout)
    flush()
  }

  private func flush() {
    defer { account() }
    guard let socket else { return }
    while !unsent.isEmpty {
      let bytes = unsent
      switch socket.write(bytes.span) {
      case .wrote(let count): unsent.removeFirst(count)
      case .wouldBlock: return socket.awaitWritable()
      // What the endpoint said before it broke the connection is still to be read.
      case .failed: return unsent = []
      }
    }
    unsent = []
  }

  // MARK: - SocketOwner

  func socketWritable() {
    guard case .connecting = state else { return flush() }
    if let error = socket?.finishConnecting() {
      return attemptFailed(.unreachable("\(endpoint.address.authority): \(error.words)"))
    }
    guard endpoint.address.isSecure else { return sendRequest() }
    guard let layer = endpoint.makeLayer() else {
      return attemptFailed(.unreachable("\(endpoint.address.authority): no TLS to be had"))
    }
    socket?.secure(with: layer)
  }

  func handshakeEnded(_ failure: LayerFailure?) {
    guard let failure else { return sendRequest() }
    let words =
      switch failure {
      case .plainHTTP: "the endpoint speaks HTTP without TLS"
      case .peerLeft: "the connection ended within the TLS handshake"
      case .broken(let words): "TLS: \(words)"
      }
    attemptFailed(.unreachable("\(endpoint.address.authority): \(words)"))
  }

  func socketReadable() {
    defer { account() }
    guard let socket else { return }
    let outcome = socket.read { bytes in
      if input.isEmpty {
        process(bytes)
      } else {
        var all: [UInt8] = []
        swap(&all, &input)
        all.append(bytes)
        process(all.span)
      }
    }
    switch outcome {
    case .read, .wouldBlock: break
    case .ended: ended("the connection ended before the answer did", isOrderly: true)
    case .failed(let error): ended(error.words, isOrderly: false)
    }
  }

  // MARK: - Receiving

  private func process(_ bytes: Span<UInt8>) {
    var offset = 0
    do throws(HTTPViolation) {
      while try take(bytes, at: &offset) {}
    } catch {
      return fail(.violation(error))
    }
  }

  private func take(_ bytes: Span<UInt8>, at offset: inout Int) throws(HTTPViolation) -> Bool {
    switch state {
    case .head:
      guard offset < bytes.count else { return false }
      guard let (head, consumed) = try headParser.parse(bytes.extracting(offset...)) else {
        input.append(bytes.extracting(offset...))
        return false
      }
      offset += consumed
      try answered(head, isAll: offset == bytes.count)
      return true
    case .body, .dropping:
      return try takeBody(bytes, at: &offset)
    case .connecting, .unused, .closed:
      return false
    }
  }

  private func answered(_ head: ResponseHead, isAll: Bool) throws(HTTPViolation) {
    guard let request else { return }
    if head.status == 101 { return fail(.switched) }
    // Other interim answers are skipped (RFC 9110 §15.2).
    if head.isInterim { return }
    body = BodyDecoder(framing: try head.bodyFraming(for: request.method))
    persists = head.persistsConnection
    state = .body
    setIdleDeadline()
    request.receiver?.upstreamAnswered(head)
    if body.isComplete { complete(mayStay: isAll) }
  }

  private func takeBody(_ bytes: Span<UInt8>, at offset: inout Int) throws(HTTPViolation) -> Bool {
    let step = try body.next(in: bytes, at: &offset)
    switch step {
    case .payload(let range):
      if let receiver = request?.receiver {
        lastRead = endpoint.loop.now
        receiver.upstreamDelivered(bytes.extracting(range))
      } else {
        dropped += range.count
        if dropped > Self.droppingBytes { close() }
      }
      return true
    case .needMore:
      return false
    case .complete:
      complete(mayStay: offset == bytes.count)
      return false
    }
  }

  /// The answer is whole.
  ///
  /// Bytes behind it would be taken for the next answer, and so reach another client: then the connection is not
  /// kept. That is decided here and not later, since ending the request may at once begin another one.
  private func complete(mayStay: Bool) {
    if case .closed = state { return }
    let finished = request
    request = nil
    let isReusable = mayStay && persists && unsent.isEmpty
    if isReusable, endpoint.keep(self) {
      state = .unused
      dropped = 0
      setDeadline(endpoint.settings.keepAlive)
    } else {
      close()
    }
    finished?.end()
  }

  /// The endpoint has closed.
  private func ended(_ words: String, isOrderly: Bool) {
    switch state {
    case .connecting:
      attemptFailed(.unreachable("\(endpoint.address.authority): \(words)"))
    case .body, .dropping:
      if isOrderly, body.finish() { return complete(mayStay: false) }
      fail(.closed("\(endpoint.address.authority): \(words)"))
    case .head:
      fail(.closed("\(endpoint.address.authority): \(words)"))
    case .unused, .closed:
      close()
    }
  }

  private func fail(_ failure: UpstreamFailure) {
    let failed = request
    request = nil
    close()
    failed?.fail(failure)
  }

  // MARK: - Time

  /// Sets the time by which the state must have moved on; within a body, every read puts it off.
  private func setDeadline(_ delay: Duration) {
    deadline = endpoint.loop.now + delay
    endpoint.loop.cancelTimer(&timer)
    timer = endpoint.loop.setTimer(at: deadline, for: self)
  }

  private var idleTimeout: Duration { request?.idleTimeout ?? endpoint.settings.idleTimeout }

  private func setIdleDeadline() {
    guard idleTimeout > .zero else { return endpoint.loop.cancelTimer(&timer) }
    setDeadline(idleTimeout)
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    if case .body = state { deadline = max(deadline, lastRead + idleTimeout) }
    guard deadline <= endpoint.loop.now else {
      timer = endpoint.loop.setTimer(at: deadline, for: self)
      return
    }
    switch state {
    case .connecting: attemptFailed(.timeout("connect_timeout"))
    case .head: fail(.timeout("first_byte_timeout"))
    case .body: fail(.timeout("idle_timeout"))
    case .dropping, .unused, .closed: close()
    }
  }
}
