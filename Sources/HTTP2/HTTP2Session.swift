internal import CNghttp2

/// The server's side of one HTTP/2 connection: bytes in, frames out, no socket (RFC 9113, RFC 7541).
///
/// It owns one session of nghttp2, which keeps to the protocol: framing, header compression, stream states, windows.
/// What the frames mean is its owner's. The one rule that it takes into its own hands is the number of streams:
/// nghttp2 ends the connection where one too many begins, and RFC 9113 §5.1.2 wants that stream refused. So it knows
/// no bound, clients are told the true one, and the owner keeps it in `requestBegan`.
/// - Owner: a connection, which `end` makes it forget.
/// - Thread: the connection's.
/// - Bound: nghttp2's 16 KiB frame and two tables of 4 KiB, its answers to SETTINGS and PING at most 1,000.
@safe
public final class HTTP2Session {
  /// What is told to the client, and kept.
  public struct Bounds: Sendable, Equatable {
    /// How many streams there may be at a time.
    public var streams: Int
    /// How many bytes of a body a stream may send before they were taken; the connection may send four times that.
    public var windowBytes: Int
    /// How large a head is told to be allowed.
    public var headBytes: Int
    /// How many CONTINUATION frames a head may have.
    public var continuations: Int

    /// All bounds.
    public init(streams: Int, windowBytes: Int, headBytes: Int, continuations: Int) {
      self.streams = streams
      self.windowBytes = windowBytes
      self.headBytes = headBytes
      self.continuations = continuations
    }
  }

  private var session: OpaquePointer?
  /// Who is told; let go by `end`.
  var owner: (any HTTP2SessionOwner)?
  /// The number of streams to be written into the first frame.
  private var streamsToTell: Int?
  private var scanner = FrameScanner()
  /// CONTINUATION frames of the head under way, and how many there may be.
  private var continuations = 0
  private let mostContinuations: Int
  /// Whether the library is at work: it takes neither bytes nor `sendFrames` then.
  public private(set) var isBusy = false

  /// A session whose first frames wait to be sent.
  ///
  /// nghttp2_session_server_new2(3).
  ///
  /// - Throws: `HTTP2SessionError.failed` where there is no memory.
  public init(_ bounds: Bounds) throws(HTTP2SessionError) {
    streamsToTell = bounds.streams
    mostContinuations = bounds.continuations
    try create(bounds)
    try tell(bounds)
  }

  deinit {
    unsafe nghttp2_session_del(session)
  }

  private func create(_ bounds: Bounds) throws(HTTP2SessionError) {
    var callbacks: OpaquePointer?
    var options: OpaquePointer?
    defer {
      unsafe nghttp2_session_callbacks_del(callbacks)
      unsafe nghttp2_option_del(options)
    }
    try Self.check(unsafe nghttp2_session_callbacks_new(&callbacks))
    try Self.check(unsafe nghttp2_option_new(&options))
    unsafe SessionCallbacks.set(on: callbacks)
    // Windows are opened again as bodies are taken, and closed streams are of no use to anybody.
    unsafe nghttp2_option_set_no_auto_window_update(options, 1)
    unsafe nghttp2_option_set_no_closed_streams(options, 1)
    // The library counts a frame anew for each piece in which its head comes; `receive` counts them once.
    unsafe nghttp2_option_set_max_continuations(options, .max)
    // The owner counts resets, those that the client provokes included.
    unsafe nghttp2_option_set_stream_reset_rate_limit(options, 1 << 40, 1 << 40)
    let user = unsafe Unmanaged.passUnretained(self).toOpaque()
    try Self.check(unsafe nghttp2_session_server_new2(&session, callbacks, user, options))
  }

  private func tell(_ bounds: Bounds) throws(HTTP2SessionError) {
    // The number of streams comes first, where `sendFrames` finds it.
    let entries: [(nghttp2_settings_id, Int)] = [
      (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, Int(Int32.max)),
      (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, bounds.windowBytes),
      (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, bounds.headBytes),
      // Streams take turns; nobody's wishes are heard.
      (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
    ]
    let settings = entries.map { nghttp2_settings_entry(settings_id: Int32($0.rawValue), value: UInt32($1)) }
    try Self.check(unsafe nghttp2_submit_settings(session, 0, settings, settings.count))
    let window = Int32(clamping: bounds.windowBytes * 4)
    try Self.check(unsafe nghttp2_session_set_local_window_size(session, 0, 0, window))
  }

  /// Begins to tell an owner, which is kept until `end`.
  public func start(for owner: any HTTP2SessionOwner) {
    self.owner = owner
  }

  /// Tells nobody anything any more.
  public func end() {
    owner = nil
  }

  // MARK: - Bytes

  /// Takes what was received, beginning with the client's preface.
  ///
  /// nghttp2_session_mem_recv(3). A peer that breaks the protocol is no error here: what it has to be told is among
  /// the frames to send, and `isOver` once they were sent.
  ///
  /// - Throws: `HTTP2SessionError`; send what waits, then close.
  public func receive(_ bytes: Span<UInt8>) throws(HTTP2SessionError) {
    precondition(!isBusy, "a session is given bytes by its connection alone")
    isBusy = true
    defer { isBusy = false }
    var offset = 0
    while offset < bytes.count {
      let rest = bytes.extracting(offset...)
      let (frame, count) = scanner.next(in: rest)
      if let frame {
        guard owner?.frameBegan(frame) != false else { throw .stopped }
        continuations = frame.kind == .continuation ? continuations + 1 : 0
        guard continuations <= mostContinuations else { throw .tooManyContinuations }
      }
      let result = unsafe rest.extracting(first: count).withUnsafeBufferPointer { bytes in
        unsafe nghttp2_session_mem_recv(session, bytes.baseAddress, bytes.count)
      }
      try Self.check(Int32(truncatingIfNeeded: min(result, 0)))
      offset += count
    }
  }

  /// Which header block is being received, counted from one; `nil` between them.
  public var openBlock: UInt64? { scanner.isBlockOpen ? scanner.blocks : nil }

  /// Hands every frame that may be sent now to the owner.
  ///
  /// nghttp2_session_mem_send(3).
  ///
  /// - Throws: `HTTP2SessionError`; close.
  public func sendFrames() throws(HTTP2SessionError) {
    precondition(!isBusy, "a session is asked for frames by its connection alone")
    isBusy = true
    defer { isBusy = false }
    while true {
      var start: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(session, &start)
      guard count > 0, let start = unsafe start else {
        return try Self.check(Int32(truncatingIfNeeded: count))
      }
      let bytes = unsafe Span(_unsafeStart: start, count: count)
      if streamsToTell == nil { owner?.framesReady(bytes) } else { tellStreams(bytes) }
    }
  }

  /// Hands the first frame over, our SETTINGS, with the number of streams that clients are to know.
  private func tellStreams(_ bytes: Span<UInt8>) {
    guard let streams = streamsToTell else { return }
    streamsToTell = nil
    var frame: [UInt8] = []
    for index in bytes.indices { frame.append(bytes[index]) }
    let value = HTTP2Frame.headBytes + 2
    for byte in 0..<4 { frame[value + byte] = UInt8(truncatingIfNeeded: streams >> (24 - 8 * byte)) }
    owner?.framesReady(frame.span)
  }

  /// Whether frames wait to be sent.
  public var wantsToSend: Bool { unsafe nghttp2_session_want_write(session) != 0 }

  /// Whether nothing is left to be said or heard.
  public var isOver: Bool { unsafe !wantsToSend && nghttp2_session_want_read(session) == 0 }

  // MARK: - Answers

  /// Answers a request.
  ///
  /// nghttp2_submit_response(3).
  ///
  /// - Parameters:
  ///   - stream: the request's.
  ///   - fields: status and fields.
  ///   - hasBody: whether the owner is asked for a body.
  public func respond(_ stream: Int32, _ fields: HTTP2FieldList, hasBody: Bool) {
    var provider = unsafe nghttp2_data_provider()
    unsafe provider.read_callback = SessionCallbacks.readPayload
    unsafe Self.withVectors(fields) { vectors in
      // A stream that is gone meanwhile gets no answer.
      if hasBody {
        _ = unsafe nghttp2_submit_response(session, stream, vectors.baseAddress, vectors.count, &provider)
      } else {
        _ = unsafe nghttp2_submit_response(session, stream, vectors.baseAddress, vectors.count, nil)
      }
    }
  }

  /// Sends an answer that is followed by another one, such as 100.
  ///
  /// nghttp2_submit_headers(3).
  public func respondInterim(_ stream: Int32, _ fields: HTTP2FieldList) {
    unsafe Self.withVectors(fields) { vectors in
      _ = unsafe nghttp2_submit_headers(session, 0, stream, nil, vectors.baseAddress, vectors.count, nil)
    }
  }

  /// Asks for a stream's payload again, after it had nothing.
  ///
  /// nghttp2_session_resume_data(3).
  public func resume(_ stream: Int32) {
    _ = unsafe nghttp2_session_resume_data(session, stream)
  }

  /// Ends a stream without its end.
  ///
  /// nghttp2_submit_rst_stream(3).
  public func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
    _ = unsafe nghttp2_submit_rst_stream(session, 0, stream, code.rawValue)
  }

  /// Opens the windows by what was taken of a body.
  ///
  /// nghttp2_session_consume(3).
  public func consume(_ count: Int, of stream: Int32) {
    _ = unsafe nghttp2_session_consume(session, stream, count)
  }

  // MARK: - Ends

  /// Tells the client to begin no more streams; those that are on their way are still served.
  ///
  /// nghttp2_submit_shutdown_notice(3), RFC 9113 §6.8.
  public func announceEnd() {
    _ = unsafe nghttp2_submit_shutdown_notice(session)
  }

  /// Takes no more streams; those that were begun go on.
  ///
  /// nghttp2_submit_goaway(3).
  public func goAway(_ code: HTTP2ErrorCode) {
    let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
    _ = unsafe nghttp2_submit_goaway(session, 0, last, code.rawValue, nil, 0)
  }

  /// Ends the connection: nothing is taken any more, and the last that is sent says why.
  ///
  /// nghttp2_session_terminate_session(3).
  public func terminate(_ code: HTTP2ErrorCode) {
    _ = unsafe nghttp2_session_terminate_session(session, code.rawValue)
  }

  // MARK: - To C

  private static func check(_ result: Int32) throws(HTTP2SessionError) {
    guard result < 0 else { return }
    switch nghttp2_error(result) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC: throw .badPreface
    case NGHTTP2_ERR_FLOODED: throw .tooManyAnswers
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS: throw .tooManyContinuations
    case NGHTTP2_ERR_CALLBACK_FAILURE: throw .stopped
    default: throw .failed(Int(result))
    }
  }

  private static func withVectors(
    _ fields: HTTP2FieldList, _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void
  ) {
    unsafe fields.bytes.withUnsafeBufferPointer { bytes in
      guard let start = bytes.baseAddress else { return }
      let base = unsafe UnsafeMutablePointer(mutating: start)
      let vectors = unsafe fields.places.map { place in
        let flags = place.isUnique ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
        return unsafe nghttp2_nv(
          name: base + place.name.lowerBound, value: base + place.value.lowerBound, namelen: place.name.count,
          valuelen: place.value.count, flags: UInt8(flags.rawValue))
      }
      unsafe vectors.withUnsafeBufferPointer { unsafe body($0) }
    }
  }
}

/// A session belongs to its connection's thread.
@available(*, unavailable)
extension HTTP2Session: Sendable {}
