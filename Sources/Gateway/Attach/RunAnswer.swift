internal import Bytes
internal import Settings
internal import Streams
internal import Wire

// What a run makes of the orchestrator's answer: a stream of events, a refusal, or a failure.

extension Run: UpstreamReceiver {
  /// The largest refusal of an orchestrator that is passed on.
  private static let refusalBytes = 1024 * 1024

  func upstreamAnswered(_ head: ResponseHead) {
    guard (200..<300).contains(head.status) else { return upstreamRefused(head) }
    guard let events = UpstreamEvents(head, maxEventBytes: route.streams.eventSizeBytes) else {
      return finish(.upstreamProtocol)
    }
    self.events = events
    beginAnswers()
  }

  func upstreamDelivered(_ bytes: Span<UInt8>) {
    switch phase {
    case .held, .finished:
      return
    case .refused(let head, var body):
      // Only one reference may be left when it grows, or it would be copied each time.
      phase = .finished
      body.append(bytes)
      phase = .refused(head, body)
      if body.count > Self.refusalBytes { finish(.upstreamStatus, status: head.status) }
    case .live:
      hasReceived = true
      decode(bytes)
    }
  }

  func upstreamEnded() {
    request = nil
    switch phase {
    case .refused(let head, let body):
      passOn(head, body)
    case .held, .live:
      if case .lines(var decoder) = events, decoder.finish() {
        let noType = Self.noType
        appendUpstreamEvent(type: noType.span, data: decoder.event.data.span)
      }
      finish(saidNothing ? .upstreamProtocol : .upstreamClosed)
    case .finished:
      return
    }
  }

  func upstreamFailed(_ failure: UpstreamFailure) {
    request = nil
    if isFinished { return }
    worker.report(failure, of: self, upstream: route.upstream.name)
    finish(failure.reason)
  }

  // MARK: - Refusals

  private func upstreamRefused(_ head: ResponseHead) {
    guard case .held = phase else {
      request?.release()
      request = nil
      return finish(.upstreamStatus, status: head.status)
    }
    phase = .refused(head, [])
    holdForRefusal()
  }

  /// Gives the clients the orchestrator's own refusal.
  ///
  /// That is no run: a retry begins anew.
  private func passOn(_ head: ResponseHead, _ body: [UInt8]) {
    var answer = ResponseHead(status: head.status)
    for index in 0..<head.fields.count {
      switch head.fields[index].name {
      case .contentType, .contentLanguage, .location, .retryAfter, .allow, .wwwAuthenticate:
        answer.fields.append(head.fields[index], of: head.fields)
      default:
        continue
      }
    }
    answer.fields.append("Cache-Control", "no-store")
    dissolve()
    for exchange in waiting { exchange.respond(Response(answer, body: body, reason: .upstreamStatus)) }
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
