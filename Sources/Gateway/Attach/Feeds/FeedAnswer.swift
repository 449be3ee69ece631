internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

// What a feed makes of its upstream's answers: events, a refusal for good, or a reason to ask again.

extension UpstreamFeed: UpstreamReceiver {
  var unfinishedBytes: Int { events?.unfinishedBytes ?? refusal?.bytes ?? 0 }

  /// Asks the upstream for what follows the last event that it has given.
  func askUpstream() {
    var fields = fields
    if let upstreamID { fields.append("Last-Event-ID", upstreamID.span) }
    let request = UpstreamRequest(
      method: .get, target: key.target, fields: fields, body: [], idleTimeout: route.idleTimeout, subject: subject,
      for: self)
    self.request = request
    worker.counters.upstreamRequests.add(1)
    route.upstream.send(request)
  }

  func upstreamAnswered(_ head: ResponseHead) {
    if head.status != 200, askWithoutClientsID(head.status) { return }
    switch head.status {
    case 200:
      guard let events = UpstreamEvents(head, maxEventBytes: rules.eventBytes) else {
        return finish(.upstreamProtocol)
      }
      began(head, events)
    case 204:
      // The upstream's way to say that nothing will ever follow; readers whose answers have begun hear it next time.
      end(Response(ResponseHead(status: 204)))
    case 408, 425, 429, 500...:
      request?.cancel()
      failed(.status(head.status))
    default:
      refusal = UpstreamRefusal(head)
      guard stage == .held else { return refuseForGood() }
      worker.loop.cancelTimer(&holdTimer)
      holdTimer = worker.loop.setTimer(after: .seconds(2), for: self, tag: Timer.hold.rawValue)
    }
  }

  func upstreamDelivered(_ bytes: Span<UInt8>) {
    if refusal != nil {
      if refusal?.append(bytes) == false { refuseForGood() }
      return
    }
    decode(bytes)
  }

  func upstreamEnded() {
    request = nil
    if stage == .final { return }
    if let refusal { return end(refusal.response) }
    if case .lines(var decoder) = events, decoder.finish() { append(decoder.event) }
    askAgain()
  }

  func upstreamFailed(_ failure: UpstreamFailure) {
    if case .limited(let refusal) = failure, !hasAnswered { return refuse(refusal) }
    if failure == .evicted { return finish(.evicted) }
    failed(failure)
  }

  // MARK: - Beginnings

  private func began(_ head: ResponseHead, _ events: UpstreamEvents) {
    self.events = events
    answeredAt = worker.loop.now
    openAnswers()
    // Some upstreams say from which event they go on, because it is not the one they were asked for.
    let resumed = head.fields.first(.lastEventID).map { Array(head.fields.bytes[$0]) }
    if let upstreamID, givesIDs || log.newest == 0 {
      if let resumed, resumed != upstreamID { appendGap(after: upstreamID) }
      mayRepeat = true
    } else if hasAnswered {
      // It gives no ids: nobody can say what it sent while it was not heard.
      appendGap(after: nil)
    }
    hasAnswered = true
  }

  // MARK: - Ends

  /// The id that the first subscriber brought may be what the upstream does not like: it is asked once more without.
  ///
  /// - Returns: whether that was the case.
  private func askWithoutClientsID(_ status: Int) -> Bool {
    guard clientsID != nil, !hasAnswered, status >= 400, !Self.isAboutSomethingElse(status) else { return false }
    forgetClientsID()
    request?.cancel()
    askUpstream()
    return true
  }

  /// Whether a status says who asks, or that another time would do, and nothing of what was asked.
  private static func isAboutSomethingElse(_ status: Int) -> Bool {
    [401, 403, 407, 408, 425, 429, 502, 503, 504].contains(status)
  }

  /// No answer, or one that says try again later.
  private func failed(_ failure: UpstreamFailure) {
    request = nil
    if stage == .final { return }
    worker.report(failure, of: name, upstream: route.upstream.name)
    askAgain()
  }

  /// Asks again after a while; with nobody there to tell, the feed ends.
  private func askAgain() {
    var asked = Duration.zero
    if case .eventStream(let decoder) = events, let retry = decoder.retry { asked = .milliseconds(retry) }
    events = nil
    openAnswers()
    // What it has is kept for as long as it lingers.
    guard isWatched else { return isResting = true }
    if hasAnswered, worker.loop.now - answeredAt >= backoff.longest { backoff.reset() }
    reconnectTimer = worker.loop.setTimer(
      after: backoff.next(atLeast: asked), for: self, tag: Timer.reconnect.rawValue)
  }

  /// The upstream refuses, and the clients have begun answers: they get an error event.
  func refuseForGood() {
    let status = refusal?.head.status
    finish(.upstreamStatus, status: status)
  }

  // MARK: - Events

  private func decode(_ bytes: Span<UInt8>) {
    var offset = 0
    do throws(StreamViolation) {
      // Taken out while it is used, so that its buffers have one owner and are not copied.
      switch events {
      case .eventStream(var decoder):
        events = nil
        defer { putBack(.eventStream(decoder)) }
        while try decoder.next(in: bytes, at: &offset), stage != .final { append(decoder.event) }
      case .lines(var decoder):
        events = nil
        defer { putBack(.lines(decoder)) }
        while try decoder.next(in: bytes, at: &offset), stage != .final { append(decoder.event) }
      case nil:
        return
      }
    } catch {
      // Asked again, the upstream would send it again.
      finish(.eventTooLarge)
    }
  }

  private func putBack(_ decoder: UpstreamEvents) {
    if stage != .final { events = decoder }
  }
}
