internal import Admission
internal import Bytes
internal import HTTP2
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// A client's connection that speaks HTTP/2: many exchanges at a time (RFC 9113).
///
/// Here are its life, its time and its end; `HTTP2Connection+Frames.swift` is what comes in,
/// `HTTP2Connection+Writing.swift` what goes out. The protocol itself is kept by `HTTP2Session`.
/// - Owner: its socket, until `close`.
/// - Thread: the loop's.
/// - Bound: `clients.http2`, each key by its name; what is framed and not written, by `mostFramedBytes`.
/// - Ends when: `close` is called, the only way.
final class HTTP2Connection: SocketOwner, TimerOwner, ClientConnection {
  enum State {
    case open
    /// The last frames are on their way: nothing is taken any more.
    case ending
    /// Everything was said: whatever still comes is dropped.
    case lingering
    case closed
  }

  let loop: Loop
  let socket: Socket
  let session: HTTP2Session
  let limits: ConnectionLimits
  let receiver: any HTTP2Receiver
  /// Where the connection comes from.
  let peer: SocketAddress
  let clientPeer: ClientPeer
  /// By which door it came in.
  let door: Door?
  var slot: Slot?
  var place = -1
  var state = State.open
  /// Every stream that the protocol has not done with.
  var streams: [HTTP2Stream] = []
  /// Of all streams, the latest.
  var lastStream: Int32 = 0
  /// The head that is being received; there is one at a time.
  var headUnderWay: HTTP2RequestHead?
  /// The header block that was not whole after the last bytes.
  private var openBlock: (number: UInt64, began: Instant)?
  /// Whether the DATA frame under way has had a byte.
  var hasPayload = false
  /// What bodies that are not whole hold together.
  var heldBytes = 0
  var budget = FrameBudget()

  // What goes out, see HTTP2Connection+Writing.swift.
  var corked = FrameCork()
  var isCorked = false
  var isBlocked = false
  var offer: Offer?
  /// Streams that get their turn once there is room.
  var waiting: [HTTP2Stream] = []
  var lastWrite: Instant

  private var isDraining = false
  /// Whether the client was told the last stream that it may have begun.
  private var isLastStreamTold = false
  private var idleSince: Instant
  private var timer: TimerID?
  private var timerMoment: Instant?

  /// How long streams are still taken after the client was told to begin no more: what is on its way arrives.
  private static let farewellTime = Duration.seconds(1)

  /// Goes on with a connection that was taken for HTTP/1; `nil` where there is no memory.
  init?(goingOnFrom connection: HTTP1Connection, for receiver: any HTTP2Receiver) {
    loop = connection.loop
    socket = connection.socket
    limits = connection.limits
    peer = connection.peer
    clientPeer = connection.clientPeer
    door = connection.door
    self.receiver = receiver
    let http2 = limits.http2
    let bounds = HTTP2Session.Bounds(
      streams: http2.streams, windowBytes: http2.windowBytes, headBytes: limits.head.headBytes,
      continuations: http2.continuations)
    guard let session = try? HTTP2Session(bounds) else { return nil }
    self.session = session
    (lastWrite, idleSince) = (loop.now, loop.now)
  }

  /// Begins with what was received, the client's preface first.
  func start(with bytes: Span<UInt8>) {
    session.start(for: self)
    socket.handOver(to: self)
    wake(by: loop.now + limits.idleTimeout)
    cork()
    receive(bytes)
  }

  // MARK: - Reading

  /// Takes what the socket has.
  func socketReadable() {
    let outcome = socket.read { bytes in
      if case .open = state { receive(bytes) }
    }
    switch outcome {
    case .read, .wouldBlock: break
    case .ended: close(.clientClosed)
    case .failed: close(.clientReset)
    }
  }

  private func receive(_ bytes: Span<UInt8>) {
    do throws(HTTP2SessionError) {
      try session.receive(bytes)
    } catch {
      switch error {
      case .tooManyContinuations: exceed(.continuations)
      case .tooManyAnswers: exceed(.pings)
      // Whoever stopped it has said why.
      case .stopped: break
      case .badPreface, .failed: refuse("the bytes are not HTTP/2")
      }
    }
    noteBlock()
    cork()
  }

  /// A header block holds up everything that comes behind it, so that it has to be whole in time.
  private func noteBlock() {
    guard let block = session.openBlock else {
      openBlock = nil
      return
    }
    guard openBlock?.number != block else { return }
    openBlock = (block, loop.now)
    wake(by: loop.now + limits.headTimeout)
  }

  // MARK: - Bounds

  /// Ends the connection, or lets its stream be refused, because the client went beyond a bound.
  func exceed(_ bound: HTTP2Bound) {
    guard case .open = state else { return }
    receiver.exceeded(bound, by: self)
    guard bound.endsConnection else { return }
    session.terminate(.enhanceYourCalm)
    endStreams(.flood, at: bound)
  }

  /// Ends the connection because what comes is not what the protocol allows.
  func refuse(_ detail: String, status: Int = 400, _ reason: CloseReason = .badRequest) {
    guard case .open = state else { return }
    receiver.rejected(peer: peer, status: status, detail: detail, reason)
    session.terminate(reason == .badRequest ? .protocolError : .enhanceYourCalm)
    endStreams(reason)
  }

  /// Ends every exchange; the last frames are written at the end of the turn.
  func endStreams(_ reason: CloseReason, at bound: HTTP2Bound? = nil) {
    state = .ending
    for stream in streams {
      if let bound { stream.exchange?.record.limit = bound.rawValue }
      stream.ended(reason)
    }
    cork()
  }

  // MARK: - Time

  /// Looks after what is due, not later than this.
  func wake(by moment: Instant) {
    if let timerMoment, timerMoment <= moment { return }
    loop.cancelTimer(&timer)
    timerMoment = moment
    timer = loop.setTimer(at: moment, for: self)
  }

  /// Something was silent, or lasted too long.
  func timerFired(_ tag: UInt8) {
    (timer, timerMoment) = (nil, nil)
    switch state {
    case .open: check(at: loop.now)
    case .ending:
      let end = lastWrite + limits.sendTimeout
      // What was framed is still on its way.
      if isBlocked, loop.now < end { return wake(by: end) }
      close(.completed)
    case .lingering: close(.completed)
    case .closed: break
    }
  }

  private func check(at now: Instant) {
    if isBlocked, now - lastWrite >= limits.sendTimeout { return close(.sendTimeout) }
    if let openBlock, now - openBlock.began >= limits.headTimeout {
      return refuse("the head was not whole within clients.head_timeout", status: 408, .headTimeout)
    }
    var next = openBlock.map { $0.began + limits.headTimeout }
    func look(at moment: Instant) { next = min(next ?? moment, moment) }
    if isBlocked { look(at: lastWrite + limits.sendTimeout) }
    for stream in streams { stream.check(at: now).map(look) }
    if streams.isEmpty {
      let end = idleSince + limits.idleTimeout
      guard now < end else { return leave() }
      look(at: end)
    }
    if isDraining, !isLastStreamTold {
      isLastStreamTold = true
      session.goAway(.noError)
      cork()
    }
    if let next { wake(by: next) }
  }

  // MARK: - Ending

  /// Whether nothing is under way.
  var isIdle: Bool { streams.isEmpty && headUnderWay == nil }

  /// Takes no more streams and ends with the last.
  ///
  /// RFC 9113 §6.8: first every stream is still allowed, because some are on their way.
  func drain() {
    guard case .open = state, !isDraining else { return }
    isDraining = true
    if isIdle { return leave() }
    session.announceEnd()
    wake(by: loop.now + Self.farewellTime)
    cork()
  }

  func endAfterAnswer() {
    drain()
  }

  /// Connections with many streams stay on their worker.
  var isMoved: Bool { false }

  /// Ends with nothing under way.
  private func leave() {
    session.goAway(.noError)
    state = .ending
    cork()
  }

  /// A stream is over; the last one may be the connection's end.
  func streamLeft() {
    guard streams.isEmpty else { return }
    idleSince = loop.now
    if isDraining, case .open = state { return leave() }
    wake(by: idleSince + limits.idleTimeout)
  }

  /// Ends our side and waits for the client to have read it (RFC 9112 §9.6 says why).
  func linger() {
    state = .lingering
    loop.cancelTimer(&timer)
    timerMoment = nil
    socket.endWrites()
    // What a layer holds back is lost with the connection, other than what the kernel does.
    wake(by: loop.now + (socket.isFlushed ? ConnectionLimits.lingering : limits.sendTimeout))
  }

  /// Ends the connection: the only way.
  ///
  /// Whatever was under way ends with the reason.
  func close(_ reason: CloseReason) {
    if case .closed = state { return }
    // Streams that were cut a moment ago have their last line and their reset in the cork.
    if reason == .drained { sayLast() }
    if case .closed = state { return }
    state = .closed
    loop.cancelTimer(&timer)
    let ending = streams
    (streams, waiting, corked) = ([], [], FrameCork())
    for stream in ending { stream.ended(reason) }
    session.end()
    socket.close()
    receiver.disconnected(self)
  }
}

/// A connection belongs to its loop's thread.
@available(*, unavailable)
extension HTTP2Connection: Sendable {}
