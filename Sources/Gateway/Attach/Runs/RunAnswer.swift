internal import Bytes
internal import Settings
internal import Streams
internal import Wire

// What a run makes of the orchestrator's answer: a stream of events, a refusal, or a failure.

extension Run: UpstreamReceiver {
  var unfinishedBytes: Int { events?.unfinishedBytes ?? refusal?.bytes ?? 0 }

  func upstreamAnswered(_ head: ResponseHead) {
    guard (200..<300).contains(head.status) else { return upstreamRefused(head) }
    guard let events = UpstreamEvents(head, maxEventBytes: rules.eventBytes) else {
      return finish(.upstreamProtocol)
    }
    self.events = events
    passCookies(of: head)
    beginAnswers()
  }

  func upstreamDelivered(_ bytes: Span<UInt8>) {
    switch stage {
    case .held:
      guard let status = refusal?.head.status else { return }
      if refusal?.append(bytes) == false { finish(.upstreamStatus, status: status) }
    case .open:
      hasReceived = true
      decode(bytes)
    case .final:
      return
    }
  }

  func upstreamEnded() {
    request = nil
    if isFinished { return }
    if let refusal { return passOn(refusal) }
    if case .lines(var decoder) = events, decoder.finish() {
      let noType = Self.noType
      appendUpstreamEvent(type: noType.span, data: decoder.event.data.span)
    }
    finish(saidNothing ? .upstreamProtocol : .upstreamClosed)
  }

  func upstreamFailed(_ failure: UpstreamFailure) {
    request = nil
    if isFinished { return }
    if case .limited(let refusal) = failure { return refuse(refusal) }
    worker.report(failure, of: name, upstream: route.upstream.name)
    finish(failure.reason)
  }

  // MARK: - Refusals

  private func upstreamRefused(_ head: ResponseHead) {
    guard stage == .held else {
      request?.release()
      request = nil
      return finish(.upstreamStatus, status: head.status)
    }
    passCookies(of: head)
    refusal = UpstreamRefusal(head)
    holdForRefusal()
  }

  /// Gives the clients the orchestrator's own refusal.
  ///
  /// That is no run: a retry begins anew.
  private func passOn(_ refusal: UpstreamRefusal) {
    let response = refusal.response
    dissolve()
    for exchange in waiting { exchange.respond(response) }
  }

  // MARK: - Events

  /// Whether bytes came of which no line was a field of an event stream.
  private var saidNothing: Bool {
    guard log.newest == 0, case .eventStream(let decoder) = events else { return false }
    return hasReceived && !decoder.sawAnyField
  }

  private func decode(_ bytes: Span<UInt8>) {
    var offset = 0
    let noType = Self.noType
    do throws(StreamViolation) {
      // Taken out while it is used, so that its buffers have one owner and are not copied.
      switch events {
      case .eventStream(var decoder):
        events = nil
        defer { putBack(.eventStream(decoder)) }
        while try decoder.next(in: bytes, at: &offset), !isFinished {
          appendUpstreamEvent(type: decoder.event.type.span, data: decoder.event.data.span)
        }
      case .lines(var decoder):
        events = nil
        defer { putBack(.lines(decoder)) }
        while try decoder.next(in: bytes, at: &offset), !isFinished {
          appendUpstreamEvent(type: noType.span, data: decoder.event.data.span)
        }
      case nil:
        return
      }
    } catch {
      finish(.eventTooLarge)
    }
  }

  private func putBack(_ decoder: UpstreamEvents) {
    if !isFinished { events = decoder }
  }

  private func appendUpstreamEvent(type: Span<UInt8>, data: Span<UInt8>) {
    append(type: type, data: data)
    guard route.terminal.matches(type: type, data: data) else { return }
    end()
    // The orchestrator has said all; its connection may be used again once its answer's end has come.
    request?.release()
    request = nil
  }
}
