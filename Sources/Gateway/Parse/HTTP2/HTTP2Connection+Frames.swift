internal import Bytes
internal import HTTP2
internal import Reactor
internal import Settings
internal import Wire

// What comes in: frames become exchanges, as far as the bounds allow.

extension HTTP2Connection: HTTP2SessionOwner {
  /// The stream of a number, unless the protocol has done with it.
  func stream(_ id: Int32) -> HTTP2Stream? {
    streams.first { $0.id == id }
  }

  func frameBegan(_ frame: HTTP2Frame) -> Bool {
    guard case .open = state else { return false }
    hasPayload = false
    let isForgotten = frame.stream > 0 && frame.stream <= lastStream && stream(frame.stream) == nil
    if let bound = budget.admit(frame, isForgotten: isForgotten, of: limits.http2, at: loop.now) {
      exceed(bound)
      return false
    }
    return true
  }

  func requestBegan(_ id: Int32) -> HTTP2ErrorCode? {
    lastStream = max(lastStream, id)
    guard streams.count < limits.http2.streams else {
      exceed(.streams)
      return .refusedStream
    }
    budget.noteRequest()
    headUnderWay = HTTP2RequestHead(limits: limits.head)
    return nil
  }

  func fieldReceived(_ id: Int32, _ name: Span<UInt8>, _ value: Span<UInt8>, isTrailer: Bool) {
    // Trailers are checked and dropped, as HTTP/1's are.
    if !isTrailer { headUnderWay?.append(name, value) }
  }

  func requestReceived(_ id: Int32, endsStream: Bool) {
    guard var head = headUnderWay else { return }
    headUnderWay = nil
    let stream = HTTP2Stream(id, of: self)
    streams.append(stream)
    stream.isRequestWhole = endsStream
    do throws(HTTPViolation) {
      let head = try head.finish()
      begin(head, try head.bodyFraming(), on: stream)
    } catch {
      reject(.violation(error), on: stream)
    }
  }

  private func begin(_ head: RequestHead, _ framing: BodyFraming, on stream: HTTP2Stream) {
    let exchange = Exchange(head, peer: peer, clientPeer: clientPeer, began: loop.now, over: stream)
    exchange.door = door
    stream.begin(exchange)
    receiver.headReceived(exchange)
    // The receiver may have refused: then the answer is on its way.
    guard stream.exchange != nil, stream.answer == .none else { return }
    if stream.isRequestWhole { return receiver.received(exchange) }
    if case .length(let length) = framing, length > UInt64(limits.bodyBytes) {
      return reject(.bodyTooLarge(given: length, allowed: limits.bodyBytes), on: stream)
    }
    stream.awaitBody()
    if head.expectsContinue { session.respondInterim(stream.id, HTTP2FieldList(status: 100)) }
  }

  func bodyReceived(_ id: Int32, _ bytes: Span<UInt8>) {
    hasPayload = true
    session.consume(bytes.count, of: id)
    guard let stream = stream(id), let exchange = stream.exchange, stream.answer == .none else { return }
    let length = stream.take(bytes, of: exchange)
    receiver.bodyGrew(exchange)
    // There may have been no memory for it.
    guard stream.exchange != nil, stream.answer == .none else { return }
    if length > limits.bodyBytes {
      reject(.bodyTooLarge(given: UInt64(length), allowed: limits.bodyBytes), on: stream)
    } else if heldBytes > max(limits.http2.bodiesBytes, limits.bodyBytes) {
      exceed(.bodies)
      exchange.record.limit = HTTP2Bound.bodies.rawValue
      stream.reset(.refusedStream, .flood)
    }
  }

  func bodyEnded(_ id: Int32) {
    guard let stream = stream(id), !stream.isRequestWhole else { return }
    stream.requestEnded()
    if let exchange = stream.exchange, stream.answer == .none { receiver.received(exchange) }
  }

  func frameEnded(_ frame: HTTP2Frame) {
    if frame.kind == .resetStream { stream(frame.stream)?.isReset = true }
    guard frame.kind == .data, frame.length > 0, !hasPayload, !frame.endsStream else { return }
    // Nothing but padding.
    if !budget.take(.emptyFrames, of: limits.http2, at: loop.now) { exceed(.emptyFrames) }
  }

  func frameRefused(_ frame: HTTP2Frame) {
    guard frame.kind == .headers, headUnderWay != nil else { return }
    headUnderWay = nil
    receiver.rejected(peer: peer, status: 400, detail: "a field of the head is malformed", .badRequest)
  }

  /// Answers what is no acceptable request; the connection goes on.
  private func reject(_ fault: RequestFault, on stream: HTTP2Stream) {
    let response = Problem.response(status: fault.status, detail: fault.description, reason: .badRequest)
    if let exchange = stream.exchange { return exchange.respond(response) }
    receiver.rejected(peer: peer, status: fault.status, detail: fault.description, .badRequest)
    stream.send(response, asking: .get)
    if !budget.take(.resets, of: limits.http2, at: loop.now) { exceed(.resets) }
  }

  func streamClosed(_ id: Int32, _ code: HTTP2ErrorCode) {
    let stream = stream(id)
    streams.removeAll { $0.id == id }
    // The client's own resets were counted when they came; this is what it has provoked.
    let isProvoked = code != .noError && stream?.isCut != true && stream?.isReset != true
    if isProvoked, !budget.take(.resets, of: limits.http2, at: loop.now) { exceed(.resets) }
    stream?.ended(isProvoked ? .badRequest : .clientClosed)
    streamLeft()
  }
}
