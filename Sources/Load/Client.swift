internal import Bytes
internal import Reactor
internal import Wire

/// One client: connects, asks, reads, and does it again where the plan says so.
///
/// - Owner: its crowd; while connected its socket keeps it, too.
/// - Thread: the crowd's loop.
/// - Bound: nothing but its own fields while it waits for an event; a request that the kernel did not take at once, an
///   event that two reads share, and one id.
final class Client: SocketOwner, TimerOwner {
  private enum Phase { case resting, connecting, reading, stalled, left }
  private enum Alarm: UInt8 { case timeout, rest, linger, slow }

  /// How long the end of an answer may take after its terminal event, before the client closes.
  private static let lingering = Duration.seconds(1)
  /// What the kernel keeps for clients that don't read as they should, so that the server notices.
  private static let narrowBytes: Int32 = 4096

  private let number: Int
  private let place: Assignment
  private let conduct: Conduct
  private let crowd: Crowd
  private var socket: Socket?
  private var probe: PeerProbe?
  private var phase = Phase.resting
  private var alarm: TimerID?
  private var slowAlarm: TimerID?

  private var request = 0
  private let reading = Reading()
  private var outgoing: [UInt8] = []
  private var startedAt = Instant(nanoseconds: 0)

  private var isFirst = true
  private var isResuming = false
  private var isReused = false
  private var wasJudged = false
  private var isOpen = false

  /// A client that has not come.
  init(_ number: Int, of crowd: Crowd) {
    self.number = number
    self.crowd = crowd
    place = crowd.plan.assignment(of: number)
    conduct = crowd.plan.conduct(of: number)
  }

  /// Makes the first request.
  func come() {
    begin(resuming: false)
  }

  /// Closes at the end of the test; an open stream stays counted.
  func stop() {
    if crowd.plan.mode == .chat, phase == .connecting || phase == .reading { crowd.tally.unfinished += 1 }
    phase = .left
    disconnect()
  }

  /// Ends a half-open client that the server has cut.
  ///
  /// - Returns: whether it did.
  func leaveIfCut() -> Bool {
    guard phase == .stalled, probe?.hasPeerLeft == true else { return phase != .stalled }
    crowd.tally.halfOpenCut += 1
    closeStream()
    leave()
    return true
  }

  func timerFired(_ tag: UInt8) {
    switch Alarm(rawValue: tag) {
    case .timeout:
      alarm = nil
      fail(.timeout)
    case .rest:
      alarm = nil
      begin(resuming: isResuming)
    case .linger:
      alarm = nil
      finishStream(.completed)
    case .slow:
      slowAlarm = nil
      socket?.resumeReads()
    case nil: break
    }
  }
}

// Asking.
extension Client {
  private func begin(resuming: Bool) {
    if !resuming {
      guard let number = crowd.takeRequest() else { return leave() }
      request = number
      reading.forget()
    }
    isResuming = resuming
    startedAt = .now
    crowd.tally.requests += 1
    if resuming { crowd.tally.reconnects += 1 }
    isReused = socket != nil
    if isReused { send() } else { connect() }
  }

  private func connect() {
    let plan = crowd.plan
    let narrow = conduct == .orderly ? nil : Self.narrowBytes
    let source = plan.sources.isEmpty ? nil : plan.sources[place.source]
    do throws(SystemError) {
      (socket, probe) = try ClientSocket(source: source, receiveBufferBytes: narrow)
        .connect(to: plan.addresses[place.target], on: crowd.loop, for: self)
    } catch {
      return fail(Failure(connecting: error))
    }
    phase = .connecting
    crowd.loop.cancelTimer(&alarm)
    alarm = crowd.loop.setTimer(after: plan.times.timeout, for: self, tag: Alarm.timeout.rawValue)
  }

  func socketWritable() {
    switch phase {
    case .connecting:
      if let error = socket?.finishConnecting() { return fail(Failure(connecting: error)) }
      crowd.tally.latencies.connect.take(from: startedAt, to: .now)
      send()
    case .reading: flush()
    case .resting, .stalled, .left: break
    }
  }

  private func send() {
    let plan = crowd.plan
    phase = .reading
    reading.begin(startedAt)
    wasJudged = false
    if alarm == nil { alarm = crowd.loop.setTimer(after: plan.times.timeout, for: self, tag: Alarm.timeout.rawValue) }
    let values = TemplateValues(
      client: number + 1, request: request, domain: Array(plan.domains[place.domain].name.utf8), seed: plan.seed)
    crowd.output.removeAll(keepingCapacity: true)
    plan.request.append(
      path: plan.targets[place.target].path, host: Array(plan.host(of: place.domain, at: place.target).utf8),
      lastID: isResuming ? reading.lastID : [], values, scratch: &crowd.scratch, to: &crowd.output)
    outgoing = []
    let bytes = crowd.output
    write(bytes.span)
  }

  private func flush() {
    let rest = outgoing
    outgoing = []
    if !rest.isEmpty { write(rest.span) }
  }

  private func write(_ bytes: Span<UInt8>) {
    guard let socket else { return }
    switch socket.write(bytes) {
    case .wrote(let count) where count == bytes.count: break
    case .wrote(let count):
      outgoing = [UInt8](bytes.extracting(count...))
      socket.awaitWritable()
    case .wouldBlock:
      outgoing = [UInt8](bytes)
      socket.awaitWritable()
    case .failed: connectionEnded(isReset: true)
    }
  }
}

// Reading.
extension Client {
  func socketReadable() {
    switch phase {
    case .reading: read()
    // A connection that is kept: the server ends it, or talks out of turn.
    case .resting: closeSocket()
    // The result of an attempt is told as writable; one who stalls does not read.
    case .connecting, .stalled, .left: break
    }
  }

  private func read() {
    guard let socket else { return }
    var violation: HTTPViolation?
    var count = 0
    let outcome = socket.read { bytes in
      count = bytes.count
      do throws(HTTPViolation) {
        try reading.read(bytes, crowd.readingPlan, into: &crowd.tally, &crowd.fanOut)
      } catch {
        violation = error
      }
    }
    switch outcome {
    case .read:
      if violation != nil { return fail(.badAnswer) }
      readOn(after: count)
    case .wouldBlock: break
    case .ended: connectionEnded(isReset: false)
    case .failed: connectionEnded(isReset: true)
    }
  }

  /// Acts on what a read has brought.
  private func readOn(after count: Int) {
    if !wasJudged, reading.answer.verdict != .none { judge() }
    if reading.isBusy, isOpen { closeStream() }
    if reading.answer.phase == .complete { return conclude(isWhole: true) }
    guard reading.answer.phase == .stream else { return }
    if reading.hasTerminal {
      if alarm == nil { alarm = crowd.loop.setTimer(after: Self.lingering, for: self, tag: Alarm.linger.rawValue) }
    } else if conduct == .halfOpen {
      phase = .stalled
      socket?.ignoreReads()
      crowd.hasStalled(self)
    } else if conduct == .slow, slowAlarm == nil {
      socket?.ignoreReads()
      let wait = Double(count) / crowd.plan.misbehaviour.slowBytesPerSecond
      slowAlarm = crowd.loop.setTimer(after: .seconds(wait), for: self, tag: Alarm.slow.rawValue)
    }
  }

  /// The head has come.
  private func judge() {
    wasJudged = true
    crowd.loop.cancelTimer(&alarm)
    wasAnswered()
    switch reading.answer.verdict {
    case .none: break
    case .stream:
      crowd.tally.statuses[200, default: 0] += 1
      guard !reading.isBusy else { return }
      isOpen = true
      crowd.tally.opened += 1
      crowd.tally.latencies.answer.take(from: startedAt, to: reading.readAt)
      crowd.note(.opened, place)
    case .notAStream: crowd.tally.statuses[200, default: 0] += 1
    case .noContent: crowd.tally.statuses[204, default: 0] += 1
    case .refused(let status): crowd.tally.statuses[status, default: 0] += 1
    }
  }
}

// Ending.
extension Client {
  /// The connection has ended, by the peer's will or by accident.
  private func connectionEnded(isReset: Bool) {
    if isReused, !reading.answer.hasBegun {
      // The server had closed the kept connection when the request went out (RFC 9112 §9.3.1): once more, on a new one.
      closeSocket()
      isReused = false
      return connect()
    }
    if reading.finish() {
      if !wasJudged { judge() }
      return conclude(isWhole: true)
    }
    guard reading.answer.verdict != .none else { return fail(isReset ? .reset : .closedEarly) }
    conclude(isWhole: false)
  }

  /// The answer has ended.
  private func conclude(isWhole: Bool) {
    switch reading.answer.verdict {
    case .none: fail(.closedEarly)
    case .stream where reading.isBusy: refuse(200, reading.busyLimit)
    case .stream: finishStream(reading.hasTerminal ? .completed : isWhole ? .ended : .cut)
    case .noContent: end(.noContent)
    case .refused(let status): refuse(status, reading.answer.limit)
    case .notAStream: fail(.notAStream)
    }
  }

  private func finishStream(_ ending: Ending) {
    if ending == .cut { crowd.tally.cut += 1 } else { crowd.tally.ended += 1 }
    if ending == .completed { crowd.tally.completed += 1 }
    closeStream()
    end(ending)
  }

  private func refuse(_ status: Int, _ limit: String?) {
    crowd.tally.refusals[Tally.Refusal(status: status, limit: limit), default: 0] += 1
    crowd.note(.refused, place)
    end(.refused(status: status))
  }

  private func fail(_ failure: Failure) {
    crowd.tally.failures[failure, default: 0] += 1
    wasAnswered()
    closeStream()
    reading.dropAnswer()
    end(.failed(failure))
  }

  /// What comes next.
  private func end(_ ending: Ending) {
    crowd.loop.cancelTimer(&alarm)
    if slowAlarm != nil {
      crowd.loop.cancelTimer(&slowAlarm)
      socket?.resumeReads()
    }
    crowd.tally.comments += reading.takeComments()
    if !reading.answer.persists || reading.answer.phase != .complete || !crowd.plan.reuses { closeSocket() }
    let retryAfter = reading.answer.retryAfterSeconds.map { Duration.seconds($0) }
    let jitter = Double(crowd.random.next() >> 11) / 9_007_199_254_740_992
    let hints = NextStep.Hints(retry: reading.retry, retryAfter: retryAfter, jitter: jitter)
    switch NextStep.after(ending, isResuming: isResuming, crowd.plan, hints) {
    case .leave: leave()
    case .request(let wait): rest(wait, resuming: false)
    case .resume(let wait): rest(wait, resuming: true)
    }
  }

  private func rest(_ wait: Duration, resuming: Bool) {
    phase = .resting
    isResuming = resuming
    if wait == .zero { return begin(resuming: resuming) }
    alarm = crowd.loop.setTimer(after: wait, for: self, tag: Alarm.rest.rawValue)
  }

  private func leave() {
    guard phase != .left else { return }
    phase = .left
    wasAnswered()
    disconnect()
    crowd.left()
  }

  private func wasAnswered() {
    guard isFirst else { return }
    isFirst = false
    crowd.wasAnswered()
  }

  private func closeStream() {
    guard isOpen else { return }
    isOpen = false
    crowd.note(.closed, place)
  }

  private func disconnect() {
    crowd.loop.cancelTimer(&alarm)
    crowd.loop.cancelTimer(&slowAlarm)
    crowd.tally.comments += reading.takeComments()
    closeSocket()
  }

  private func closeSocket() {
    probe = nil
    socket?.close()
    socket = nil
  }
}
