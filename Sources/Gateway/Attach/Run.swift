internal import Bytes
internal import Reactor
internal import Settings
internal import Streams
internal import Wire

/// One orchestrator request and its answer, as a log that any number of readers may follow.
///
/// - Owner: the worker's table of runs, until nobody reads it.
/// - Thread: the worker's.
/// - Bound: its readers' lag; what all have read is given back.
/// - Ends when: a terminal event was appended and its readers have it, or its last reader left.
final class Run: UpstreamReceiver, TimerOwner {
  private enum Phase {
    /// The answer has not begun: a POST client may still get the orchestrator's own status.
    case held(Exchange)
    /// The orchestrator refused; its words are collected for the client that waits.
    case refused(Exchange, ResponseHead, [UInt8])
    /// Events are appended.
    case live
    /// The terminal event is in the log.
    case finished
  }

  /// The type of events that have none: `message` to an EventSource.
  private static let noType: [UInt8] = []
  /// The largest refusal of an orchestrator that is passed on.
  private static let refusalBytes = 64 * 1024

  let id = RunID()
  private let idText: [UInt8]
  private let route: RunRoute
  private unowned let worker: Worker
  private let log = EventLog()
  private var phase: Phase
  private var readers: [Subscriber] = []
  private var request: UpstreamRequest?
  private var events: UpstreamEvents?
  private var hasReceived = false
  private var holdTimer: TimerID?
  /// Whether the worker pumps it at the end of this turn.
  var isDirty = false
  /// Why it ended, for the log lines of its readers; `nil` after the orchestrator's own terminal event.
  private var failure: CloseReason?

  /// A run for an exchange whose request is whole; `start` sets it going.
  init(for exchange: Exchange, on route: RunRoute, of worker: Worker) {
    self.route = route
    self.worker = worker
    idText = id.text
    phase = .held(exchange)
  }

  /// Sends the orchestrator's request; the answer begins at once, or a moment later for a POST client.
  func start(_ body: [UInt8], fields: FieldSection, target: [UInt8]) {
    guard case .held(let exchange) = phase else { return }
    exchange.record.run = id
    let subscriber = Subscriber(exchange, at: log.end, of: self)
    exchange.owner = subscriber
    readers.append(subscriber)
    let request = UpstreamRequest(method: route.method, target: target, fields: fields, body: body, for: self)
    self.request = request
    if exchange.head.method == .get || route.answerAfter == .zero {
      beginAnswers()
    } else {
      holdTimer = worker.loop.setTimer(after: route.answerAfter, for: self)
    }
    route.upstream.send(request)
  }

  /// The orchestrator has not said a status in time: the answer begins without it.
  func timerFired(_ tag: UInt8) {
    holdTimer = nil
    beginAnswers()
  }

  /// Ends the run with the gateway's error event; without effect on one that has ended.
  func finish(_ reason: CloseReason, status: Int? = nil) {
    if case .finished = phase { return }
    beginAnswers()
    failure = reason
    let data = GatewayEvent.error(reason, in: route.streams.terminalField, status: status)
    let noType = Self.noType
    appendEvent(type: noType.span, data: data.span)
    end()
    request?.cancel()
    request = nil
  }

  // MARK: - Readers

  /// The head of every answer that is a stream; a HEAD request gets it without a run.
  static func answerHead() -> ResponseHead {
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", "text/event-stream; charset=utf-8")
    head.fields.append("Cache-Control", "no-cache, no-transform")
    // nginx in front would otherwise buffer the answer.
    head.fields.append("X-Accel-Buffering", "no")
    return head
  }

  private func beginAnswers() {
    worker.loop.cancelTimer(&holdTimer)
    switch phase {
    case .held, .refused: phase = .live
    case .live, .finished: return
    }
    for reader in readers { begin(reader) }
    worker.mark(self)
  }

  private func begin(_ reader: Subscriber) {
    let exchange = reader.exchange
    var head = Self.answerHead()
    let idText = idText
    head.fields.append("Sluice-Run", idText.span)
    head.fields.append(contentsOf: exchange.answerFields)
    exchange.record.status = 200
    var prelude: [UInt8] = []
    SSEEncoder.appendPriming(
      retryMilliseconds: route.retryMilliseconds, idPrefix: idText.span, sequence: log.eventCount, to: &prelude)
    exchange.transport?.beginStream(head, prelude: prelude, of: exchange)
  }

  /// Writes to every reader that can take bytes.
  ///
  /// Called by the worker at the end of a turn.
  func pump() {
    isDirty = false
    for reader in readers { pump(reader) }
    if let slowest = readers.map(\.cursor).min() { log.release(before: slowest) }
  }

  /// Writes to one reader; one that lags too far behind is disconnected.
  func pump(_ reader: Subscriber) {
    let exchange = reader.exchange
    guard let transport = exchange.transport else { return }
    let isFinal: Bool
    switch phase {
    case .held, .refused: return
    case .live: isFinal = false
    case .finished: isFinal = true
    }
    let sentBefore = exchange.record.events
    exchange.record.events = log.eventCount
    if isFinal { exchange.record.reason = failure }
    var cursor = reader.cursor
    let progress = transport.pump(log, from: &cursor, isFinal: isFinal)
    reader.cursor = cursor
    guard progress == .blocked else { return }
    exchange.record.events = sentBefore
    exchange.record.reason = nil
    if log.end.offset - cursor.offset > UInt64(route.streams.clientBufferBytes) {
      transport.abort(.slowReader)
    }
  }

  /// A reader's exchange ended.
  ///
  /// Without readers a run has no purpose: its orchestrator request ends.
  func readerLeft(_ reader: Subscriber) {
    readers.removeAll { $0 === reader }
    guard readers.isEmpty else { return }
    phase = .finished
    worker.loop.cancelTimer(&holdTimer)
    request?.cancel()
    request = nil
    worker.ended(self)
  }

  // MARK: - UpstreamReceiver

  func upstreamAnswered(_ head: ResponseHead) {
    guard (200..<300).contains(head.status) else { return upstreamRefused(head) }
    guard let events = UpstreamEvents(head, maxEventBytes: route.streams.eventSizeBytes) else {
      return finish(.upstreamProtocol)
    }
    self.events = events
    beginAnswers()
  }

  private func upstreamRefused(_ head: ResponseHead) {
    guard case .held(let exchange) = phase, exchange.head.method != .get else {
      request?.release()
      request = nil
      return finish(.upstreamStatus, status: head.status)
    }
    worker.loop.cancelTimer(&holdTimer)
    phase = .refused(exchange, head, [])
  }

  func upstreamDelivered(_ bytes: Span<UInt8>) {
    switch phase {
    case .held, .finished:
      return
    case .refused(let exchange, let head, var body):
      // Only one reference may be left when it grows, or it would be copied each time.
      phase = .finished
      body.append(bytes)
      phase = .refused(exchange, head, body)
      if body.count > Self.refusalBytes { finish(.upstreamStatus, status: head.status) }
    case .live:
      hasReceived = true
      decode(bytes)
    }
  }

  func upstreamEnded() {
    request = nil
    switch phase {
    case .refused(let exchange, let head, let body):
      passOn(head, body, to: exchange)
    case .held, .live:
      if case .lines(var decoder) = events, decoder.finish() {
        let noType = Self.noType
        appendUpstreamEvent(type: noType.span, data: decoder.event.data.span)
      }
      guard case .live = phase else { return }
      finish(saidNothing ? .upstreamProtocol : .upstreamClosed)
    case .finished:
      return
    }
  }

  func upstreamFailed(_ failure: UpstreamFailure) {
    request = nil
    if case .finished = phase { return }
    worker.report(failure, of: self, upstream: route.upstream.name)
    finish(failure.reason)
  }

  /// Whether bytes came of which no line was a field of an event stream.
  private var saidNothing: Bool {
    guard log.eventCount == 0, case .eventStream(let decoder) = events else { return false }
    return hasReceived && !decoder.sawAnyField
  }

  /// Gives a client the orchestrator's own refusal.
  private func passOn(_ head: ResponseHead, _ body: [UInt8], to exchange: Exchange) {
    var answer = ResponseHead(status: head.status)
    for index in 0..<head.fields.count {
      switch head.fields[index].name {
      case .contentType, .contentLanguage, .retryAfter, .allow, .wwwAuthenticate:
        answer.fields.append(head.fields[index], of: head.fields)
      default:
        continue
      }
    }
    answer.fields.append("Cache-Control", "no-store")
    phase = .finished
    exchange.respond(Response(answer, body: body, reason: .upstreamStatus))
  }

  // MARK: - Events

  private func decode(_ bytes: Span<UInt8>) {
    var offset = 0
    let noType = Self.noType
    do throws(StreamViolation) {
      switch events {
      case .eventStream(var decoder):
        events = nil
        defer { events = .eventStream(decoder) }
        while try decoder.next(in: bytes, at: &offset), isLive {
          appendUpstreamEvent(type: decoder.event.type.span, data: decoder.event.data.span)
        }
      case .lines(var decoder):
        events = nil
        defer { events = .lines(decoder) }
        while try decoder.next(in: bytes, at: &offset), isLive {
          appendUpstreamEvent(type: noType.span, data: decoder.event.data.span)
        }
      case nil:
        return
      }
    } catch {
      finish(.eventTooLarge)
    }
  }

  private var isLive: Bool {
    if case .live = phase { true } else { false }
  }

  private func appendUpstreamEvent(type: Span<UInt8>, data: Span<UInt8>) {
    appendEvent(type: type, data: data)
    guard route.terminal.matches(type: type, data: data) else { return }
    end()
    // The orchestrator has said all; its connection may be used again once its answer's end has come.
    request?.release()
    request = nil
  }

  private func appendEvent(type: Span<UInt8>, data: Span<UInt8>) {
    let idText = idText
    var encoded: [UInt8] = []
    swap(&encoded, &worker.scratch)
    encoded.removeAll(keepingCapacity: true)
    SSEEncoder.append(
      idPrefix: idText.span, sequence: log.eventCount + 1, type: type, data: data, to: &encoded)
    log.append(event: encoded.span)
    swap(&encoded, &worker.scratch)
    worker.mark(self)
  }

  private func end() {
    phase = .finished
    worker.mark(self)
  }
}
