internal import CNghttp2

// Not members: a C function captures nothing, not even a type.

private let stop = Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
private let refuse = Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)

private func owner(of user: UnsafeMutableRawPointer) -> (any HTTP2SessionOwner)? {
  unsafe Unmanaged<HTTP2Session>.fromOpaque(user)._withUnsafeGuaranteedRef { $0.owner }
}

private func tell(_ user: UnsafeMutableRawPointer?, _ body: (any HTTP2SessionOwner) -> Void) {
  guard let user = unsafe user, let owner = unsafe owner(of: user) else { return }
  body(owner)
}

private func received(_ frame: HTTP2Frame, isRequest: Bool, by owner: any HTTP2SessionOwner) {
  switch frame.kind {
  case .headers where isRequest: owner.requestReceived(frame.stream, endsStream: frame.endsStream)
  case .headers, .data: if frame.endsStream { owner.bodyEnded(frame.stream) }
  default: break
  }
  owner.frameEnded(frame)
}

/// What nghttp2 calls: each recovers the session and tells its owner, in one step.
@safe
enum SessionCallbacks {
  /// Has a session call these.
  static func set(on callbacks: OpaquePointer?) {
    unsafe setReceiving(on: callbacks)
    unsafe setSending(on: callbacks)
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, user in
      unsafe tell(user) { $0.streamClosed(stream, HTTP2ErrorCode(rawValue: code)) }
      return 0
    }
  }

  private static func setReceiving(on callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { session, frame, user in
      guard let frame = unsafe frame, let user = unsafe user, let owner = unsafe owner(of: user) else { return stop }
      guard unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else { return 0 }
      let stream = unsafe frame.pointee.hd.stream_id
      guard let code = owner.requestBegan(stream) else { return 0 }
      _ = unsafe nghttp2_submit_rst_stream(session, 0, stream, code.rawValue)
      return refuse
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, user in
      guard let frame = unsafe frame, let name = unsafe name, let value = unsafe value else { return stop }
      let isTrailer = unsafe frame.pointee.headers.cat != NGHTTP2_HCAT_REQUEST
      let stream = unsafe frame.pointee.hd.stream_id
      let nameBytes = unsafe Span(_unsafeStart: name, count: nameCount)
      let valueBytes = unsafe Span(_unsafeStart: value, count: valueCount)
      guard let user = unsafe user, let owner = unsafe owner(of: user) else { return stop }
      owner.fieldReceived(stream, nameBytes, valueBytes, isTrailer: isTrailer)
      return 0
    }
    // By default such a field is dropped and the request goes on, as if it had never been there; RFC 9113 §8.2.1 and
    // §8.1.1 want the stream refused.
    unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in refuse }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, user in
      guard let bytes = unsafe bytes, let user = unsafe user, let owner = unsafe owner(of: user) else { return stop }
      unsafe owner.bodyReceived(stream, Span(_unsafeStart: bytes, count: count))
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
      guard let frame = unsafe frame, let user = unsafe user, let owner = unsafe owner(of: user) else { return stop }
      let isRequest = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
      received(unsafe HTTP2Frame(frame.pointee.hd), isRequest: isRequest, by: owner)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, frame, _, user in
      guard let frame = unsafe frame else { return stop }
      let head = unsafe HTTP2Frame(frame.pointee.hd)
      unsafe tell(user) { $0.frameRefused(head) }
      return 0
    }
  }

  private static func setSending(on callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, head, count, _, user in
      guard let frame = unsafe frame, let head = unsafe head, let user = unsafe user, let owner = unsafe owner(of: user)
      else { return stop }
      let bytes = unsafe Span(_unsafeStart: head, count: HTTP2Frame.headBytes)
      owner.dataReady(unsafe frame.pointee.hd.stream_id, head: bytes, count: count)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, user in
      guard let frame = unsafe frame else { return stop }
      let head = unsafe HTTP2Frame(frame.pointee.hd)
      if head.endsStream { unsafe tell(user) { $0.answerEnded(head.stream) } }
      return 0
    }
  }

  /// What an answer's body is asked for with.
  static let readPayload: nghttp2_data_source_read_callback = { _, stream, _, limit, flags, _, user in
    let nothing = Int(NGHTTP2_ERR_DEFERRED.rawValue)
    guard let user = unsafe user, let owner = unsafe owner(of: user) else { return nothing }
    switch owner.payload(of: stream, atMost: limit) {
    case .nothing: return nothing
    case .bytes(let count, let isLast):
      let last = isLast ? NGHTTP2_DATA_FLAG_EOF.rawValue : 0
      unsafe flags?.pointee = NGHTTP2_DATA_FLAG_NO_COPY.rawValue | last
      return count
    }
  }
}

extension HTTP2Frame {
  /// The same as nghttp2 has it.
  fileprivate init(_ head: nghttp2_frame_hd) {
    self.init(
      kind: Kind(rawValue: head.type) ?? .unknown, stream: head.stream_id, length: head.length, flags: head.flags)
  }
}
