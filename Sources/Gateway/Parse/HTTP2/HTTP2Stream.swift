internal import Bytes
internal import HTTP2
internal import Reactor
internal import Streams
internal import Wire

/// One request and its answer on an HTTP/2 connection.
///
/// - Owner: its connection, until the protocol has done with it.
/// - Thread: the connection's.
/// - Bound: owns bytes of its own only: a whole answer, a prelude, a heartbeat; events stay in their log.
final class HTTP2Stream: ExchangeTransport {
  enum Answer {
    case none
    /// One with its whole body in `unsent`.
    case whole
    /// A stream of events.
    case events
    /// Everything was handed over, or nothing more will be.
    case ended
  }

  let id: Int32
  let connection: HTTP2Connection
  /// Ended and forgotten as soon as its answer is handed over or given up, maybe before the stream is.
  private(set) var exchange: Exchange?
  /// Whether the request's body is whole.
  var isRequestWhole = false
  var answer = Answer.none
  /// Bytes of the body that go before those of the log.
  var unsent: ArraySlice<UInt8> = []
  /// Whether the body ends after `unsent`.
  var endsAfterUnsent = false
  /// Bytes of the log up to the end of an event of which a part was sent.
  var promised = 0
  /// The last events of a stream that is to end, whatever else is in its log.
  private(set) var farewell: [UInt8]?
  /// Whether its window or the connection's has no room for what waits.
  var isHeld = false
  /// Whether the connection offers it room as soon as there is some.
  var isWaiting = false
  /// Whether we ended it, and not the client.
  private(set) var isCut = false
  /// Whether the client has reset it, with whatever code.
  var isReset = false
  var lastProgress: Instant
  /// What a body that is not whole holds.
  private var heldBytes = 0
  /// When the body has to be whole, or the farewell read.
  private var deadline: Instant?

  /// How long a client may take to read what was promised to it before it is to go.
  private static let farewellTime = Duration.seconds(2)

  init(_ id: Int32, of connection: HTTP2Connection) {
    self.id = id
    self.connection = connection
    lastProgress = connection.loop.now
  }

  /// Another worker can't go on with one stream of a connection.
  var isMovable: Bool { false }
  /// What is framed is on its way, and no frame is promised before.
  let promisedBytes = 0

  // MARK: - The request

  /// Begins with a head that was understood.
  func begin(_ exchange: Exchange) {
    self.exchange = exchange
  }

  /// The body has to be whole in time.
  func awaitBody() {
    let moment = connection.loop.now + connection.limits.bodyTimeout
    deadline = moment
    connection.wake(by: moment)
  }

  /// A part of the body came.
  ///
  /// - Returns: how many bytes it has now.
  func take(_ bytes: Span<UInt8>, of exchange: Exchange) -> Int {
    exchange.receive(bytes)
    connection.heldBytes += bytes.count
    heldBytes += bytes.count
    return exchange.body.count
  }

  /// The request is whole.
  func requestEnded() {
    isRequestWhole = true
    deadline = nil
    releaseBody()
  }

  private func releaseBody() {
    connection.heldBytes -= heldBytes
    heldBytes = 0
  }

  // MARK: - Answers

  /// Sends a whole answer; an unread rest of the request is not waited for.
  func respond(_ response: Response, to exchange: Exchange) {
    guard answer == .none else { return }
    send(response, asking: exchange.method)
  }

  /// Sends a whole answer, maybe to what was no request.
  func send(_ response: Response, asking method: Wire.Method) {
    answer = .whole
    var fields = HTTP2FieldList(status: response.head.status)
    fields.append(response.head.fields)
    if case .length(let length) = response.framing(for: method) { fields.append(length: length) }
    if method != .head { unsent = response.body[...] }
    endsAfterUnsent = true
    connection.session.respond(id, fields, hasBody: !unsent.isEmpty)
    lastProgress = connection.loop.now
    connection.wake(by: lastProgress + connection.limits.sendTimeout)
    connection.cork()
  }

  /// Whether an answer that is a stream has begun.
  var isStreaming: Bool { answer == .events }

  /// Begins an answer whose body is a stream; one that has begun gets the prelude only.
  func beginStream(_ head: ResponseHead, prelude: [UInt8], of exchange: Exchange) {
    guard answer == .none || answer == .events else { return }
    unsent += prelude
    if answer == .events { return connection.queue(self) }
    answer = .events
    var fields = HTTP2FieldList(status: head.status)
    fields.append(head.fields)
    connection.session.respond(id, fields, hasBody: true)
    lastProgress = connection.loop.now
    connection.wake(by: lastProgress + min(connection.limits.heartbeat, connection.limits.sendTimeout))
    connection.cork()
  }

  /// Frames what lies behind the cursor, as far as windows and the connection's other streams leave room.
  func pump(_ log: EventLog, from cursor: inout Cursor, isFinal: Bool) -> PumpProgress {
    guard answer == .events else { return .ended }
    return connection.pump(self, log, from: &cursor, isFinal: isFinal)
  }

  // MARK: - Ends

  /// Sends what was promised, then the farewell, then the body's end.
  func end(farewell: [UInt8], of exchange: Exchange) {
    guard answer == .events, self.farewell == nil else { return }
    self.farewell = farewell
    let moment = connection.loop.now + Self.farewellTime
    deadline = moment
    connection.wake(by: moment)
    connection.queue(self)
  }

  /// Has the farewell sent once nothing is promised any more.
  func sayFarewell() {
    guard promised == 0, let farewell, !endsAfterUnsent else { return }
    unsent += farewell
    endsAfterUnsent = true
  }

  /// Says the last line, if it can be taken now, and resets the stream.
  func cut(farewell: [UInt8], _ reason: CloseReason) {
    if answer == .events, !isHeld, promised == 0, unsent.isEmpty {
      unsent = farewell[...]
      connection.sendUnsent(of: self)
    }
    abort(reason)
  }

  /// Resets the stream; its neighbours go on.
  func abort(_ reason: CloseReason) {
    reset(.cancel, reason)
  }

  /// Ends the stream without its end, with a code for the client and a reason for us.
  func reset(_ code: HTTP2ErrorCode, _ reason: CloseReason) {
    isCut = true
    connection.session.reset(id, code)
    connection.cork()
    ended(reason)
  }

  /// The answer was handed over whole.
  func answerEnded() {
    ended(.completed)
    guard !isRequestWhole else { return }
    // The rest of the request is of no use to anybody (RFC 9113 §8.1).
    isCut = true
    connection.session.reset(id, .noError)
  }

  /// The exchange is over; the stream may have some way to go.
  ///
  /// - Parameter reason: why, unless the exchange knows better.
  func ended(_ reason: CloseReason) {
    answer = .ended
    unsent = []
    farewell = nil
    deadline = nil
    guard let exchange else { return }
    self.exchange = nil
    releaseBody()
    let last = exchange.leaving ?? exchange.record.reason ?? reason
    exchange.end(last)
    connection.receiver.finished(exchange, last)
  }

  // MARK: - Time

  /// Does what is due and says when to look again; `nil` where nothing is awaited from the client.
  func check(at now: Instant) -> Instant? {
    if let deadline, now >= deadline {
      self.deadline = nil
      if farewell != nil { abort(.slowReader) } else { refuseBody() }
    }
    if let deadline { return deadline }
    let limits = connection.limits
    let silent = now - lastProgress
    switch answer {
    case .none, .ended: return nil
    case .whole:
      if silent >= limits.sendTimeout { abort(.sendTimeout) }
      return lastProgress + limits.sendTimeout
    case .events where isHeld || connection.isBlocked || !unsent.isEmpty:
      guard silent < limits.sendTimeout else {
        abort(.sendTimeout)
        return nil
      }
      // A client that reads again is owed its heartbeat in time.
      return min(lastProgress + limits.sendTimeout, now + limits.heartbeat)
    case .events:
      guard silent >= limits.heartbeat else { return lastProgress + limits.heartbeat }
      if promised == 0 {
        var comment: [UInt8] = []
        comment.append(SSEEncoder.heartbeat)
        unsent.append(contentsOf: comment)
        connection.session.resume(id)
        connection.cork()
      }
      return now + min(limits.heartbeat, limits.sendTimeout)
    }
  }

  private func refuseBody() {
    exchange?.respond(
      Problem.response(
        status: 408, detail: "the request body was not whole within clients.body_timeout", reason: .bodyTimeout))
  }
}

/// A stream belongs to its connection's thread.
@available(*, unavailable)
extension HTTP2Stream: Sendable {}

extension HTTP2FieldList {
  /// Appends the fields of an answer but for those that speak about an HTTP/1 connection, or say its length.
  mutating func append(_ section: FieldSection) {
    for index in 0..<section.count {
      let field = section[index]
      if field.name.isHopByHop || field.name == .contentLength { continue }
      let name = section.bytes.span.extracting(field.nameRange)
      append(
        name, section.bytes.span.extracting(field.valueRange), isUnique: name.equalsIgnoringCase("sluice-run"))
    }
  }

  /// Appends how long the body is.
  mutating func append(length: UInt64) {
    let name = Array("content-length".utf8)
    var value: [UInt8] = []
    value.append(decimal: length)
    append(name.span, value.span)
  }
}
