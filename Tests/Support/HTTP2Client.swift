import CNghttp2

/// The client's side of an HTTP/2 connection in memory, by nghttp2: what a test asks and is answered with.
///
/// Frames that no client should send are made by `HTTP2Frames`.
public final class HTTP2Client {
  /// What came back on one stream.
  public struct Answer: Sendable {
    /// The statuses, interim ones first.
    public var statuses: [Int] = []
    /// The fields without the status, by their names as received.
    public var fields: [String: String] = [:]
    /// What came of the body.
    public var body = ""
    /// Whether its end came.
    public var isWhole = false
    /// The code of the reset, or of the stream's end by a GOAWAY.
    public var reset: UInt32?
    /// How long each DATA frame was.
    public var frames: [Int] = []

    /// The last status, zero where none came.
    public var status: Int { statuses.last ?? 0 }
  }

  /// The server's bytes are not HTTP/2.
  public struct Failed: Error {
    /// nghttp2's number.
    public let code: Int
  }

  private var session: OpaquePointer?
  private var output: [UInt8] = []
  private var bodies: [Int32: ArraySlice<UInt8>] = [:]
  private var openEnded: Set<Int32> = []
  /// What came back, by stream.
  public private(set) var answers: [Int32: Answer] = [:]
  /// The code of the last GOAWAY, and the last stream in it.
  public private(set) var goAway: (code: UInt32, last: Int32)?
  /// What the server has told by SETTINGS.
  public private(set) var settings: [Int32: UInt32] = [:]
  /// How many PING answers came.
  public private(set) var pongs = 0

  /// A client that has its preface ready to send.
  ///
  /// - Parameters:
  ///   - window: of each stream.
  ///   - opensWindows: whether it opens windows by itself as bytes come.
  public init(window: UInt32 = 65_535, opensWindows: Bool = true) {
    var callbacks: OpaquePointer?
    var options: OpaquePointer?
    nghttp2_session_callbacks_new(&callbacks)
    nghttp2_option_new(&options)
    defer {
      nghttp2_session_callbacks_del(callbacks)
      nghttp2_option_del(options)
    }
    nghttp2_option_set_no_auto_window_update(options, opensWindows ? 0 : 1)
    // The server's bound is what is tested.
    nghttp2_option_set_peer_max_concurrent_streams(options, 1_000_000)
    Self.set(on: callbacks)
    nghttp2_session_client_new2(&session, callbacks, Unmanaged.passUnretained(self).toOpaque(), options)
    let entries = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: window)
    ]
    nghttp2_submit_settings(session, 0, entries, 1)
  }

  deinit { nghttp2_session_del(session) }

  /// Asks; a body of `nil` ends the request with its head, `isOpen` leaves the body without an end.
  @discardableResult
  public func request(_ fields: [(String, String)], body: String? = nil, isOpen: Bool = false) -> Int32 {
    let bytes = fields.map { (Array($0.0.utf8), Array($0.1.utf8)) }
    var vectors: [nghttp2_nv] = []
    var kept: [UnsafeMutablePointer<UInt8>] = []
    func keep(_ bytes: [UInt8]) -> UnsafeMutablePointer<UInt8> {
      let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 1)
      copy.initialize(from: bytes + [0], count: bytes.count + 1)
      kept.append(copy)
      return copy
    }
    for (name, value) in bytes {
      vectors.append(
        nghttp2_nv(name: keep(name), value: keep(value), namelen: name.count, valuelen: value.count, flags: 0))
    }
    var provider = nghttp2_data_provider()
    provider.read_callback = { _, stream, buffer, limit, flags, _, user in
      HTTP2Client.of(user).read(stream, into: buffer, limit, flags)
    }
    let hasBody = body != nil || isOpen
    let id =
      hasBody
      ? nghttp2_submit_request(session, nil, vectors, vectors.count, &provider, nil)
      : nghttp2_submit_request(session, nil, vectors, vectors.count, nil, nil)
    kept.forEach { $0.deallocate() }
    bodies[id] = Array((body ?? "").utf8)[...]
    if isOpen { openEnded.insert(id) }
    answers[id] = Answer()
    return id
  }

  /// Asks for a path.
  @discardableResult
  public func get(_ path: String, fields: [(String, String)] = []) -> Int32 {
    request(Self.head("GET", path) + fields)
  }

  /// The pseudo-fields of a request.
  public static func head(_ method: String, _ path: String) -> [(String, String)] {
    [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
  }

  /// Breaks a stream off.
  public func reset(_ stream: Int32, code: UInt32 = 8) { nghttp2_submit_rst_stream(session, 0, stream, code) }

  /// Opens the window of a stream and of the connection.
  public func open(_ stream: Int32, by bytes: Int32) {
    openAlone(stream, by: bytes)
    if stream != 0 { openAlone(0, by: bytes) }
  }

  /// Opens the window of a stream, zero for the connection's.
  public func openAlone(_ stream: Int32, by bytes: Int32) {
    nghttp2_submit_window_update(session, 0, stream, bytes)
  }

  /// Asks whether the server is there.
  public func ping() { nghttp2_submit_ping(session, 0, nil) }

  /// Sends settings that change nothing.
  public func tellSettings() { nghttp2_submit_settings(session, 0, nil, 0) }

  /// Takes what the server sent.
  public func receive(_ bytes: [UInt8]) throws {
    let result = nghttp2_session_mem_recv(session, bytes, bytes.count)
    if result < 0 { throw Failed(code: Int(result)) }
  }

  /// What is to be sent to the server.
  public func takeOutput() -> [UInt8] {
    while true {
      var start: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(session, &start)
      guard count > 0, let start else { break }
      output += UnsafeBufferPointer(start: start, count: count)
    }
    defer { output = [] }
    return output
  }

  private func read(
    _ stream: Int32, into buffer: UnsafeMutablePointer<UInt8>?, _ limit: Int, _ flags: UnsafeMutablePointer<UInt32>?
  ) -> Int {
    let rest = bodies[stream] ?? []
    if rest.isEmpty, openEnded.contains(stream) { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
    let piece = rest.prefix(limit)
    for (offset, byte) in piece.enumerated() { buffer?[offset] = byte }
    bodies[stream] = rest.dropFirst(limit)
    if piece.count == rest.count, !openEnded.contains(stream) {
      flags?.pointee = NGHTTP2_DATA_FLAG_EOF.rawValue
    }
    return piece.count
  }

  private static func of(_ user: UnsafeMutableRawPointer?) -> HTTP2Client {
    guard let user else { preconditionFailure("nghttp2 gives back what it got") }
    return Unmanaged<HTTP2Client>.fromOpaque(user).takeUnretainedValue()
  }

  private static func set(on callbacks: OpaquePointer?) {
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, user in
      let name = String(decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self)
      let value = String(decoding: UnsafeBufferPointer(start: value, count: valueCount), as: UTF8.self)
      guard let id = frame?.pointee.hd.stream_id else { return 0 }
      HTTP2Client.of(user).answers[id, default: Answer()].take(name, value)
      return 0
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, user in
      let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
      HTTP2Client.of(user).answers[id, default: Answer()].body += text
      return 0
    }
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
      guard let frame else { return 0 }
      HTTP2Client.of(user).take(frame.pointee)
      return 0
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, user in
      let client = HTTP2Client.of(user)
      if client.answers[id]?.isWhole == false { client.answers[id]?.reset = code }
      return 0
    }
  }

  private func take(_ frame: nghttp2_frame) {
    let (id, flags) = (frame.hd.stream_id, frame.hd.flags)
    switch UInt32(frame.hd.type) {
    case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
      if UInt32(frame.hd.type) == NGHTTP2_DATA.rawValue { answers[id]?.frames.append(frame.hd.length) }
      if flags & 1 != 0 { answers[id]?.isWhole = true }
    case NGHTTP2_RST_STREAM.rawValue: answers[id]?.reset = frame.rst_stream.error_code
    case NGHTTP2_GOAWAY.rawValue:
      goAway = (frame.goaway.error_code, frame.goaway.last_stream_id)
    case NGHTTP2_PING.rawValue where flags & 1 != 0: pongs += 1
    case NGHTTP2_SETTINGS.rawValue where flags & 1 == 0:
      for index in 0..<frame.settings.niv {
        settings[frame.settings.iv[index].settings_id] = frame.settings.iv[index].value
      }
    default: break
    }
  }
}

extension HTTP2Client.Answer {
  fileprivate mutating func take(_ name: String, _ value: String) {
    if name == ":status" { statuses.append(Int(value) ?? 0) } else { fields[name] = value }
  }
}

/// Frames by hand, also those that no client should send (RFC 9113 §4.1).
public enum HTTP2Frames {
  /// What every client begins with.
  public static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  /// One frame.
  public static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let count = payload.count
    let head = [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
    return head + number(stream) + payload
  }

  /// A number of four bytes.
  public static func number(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
  }

  /// A client's preface with empty settings.
  public static let opening = preface + frame(4)

  /// A header block of literals that nobody is to remember (RFC 7541 §6.2.2).
  public static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in [0] + text(name) + text(value) }
  }

  /// A string without Huffman coding; of any length.
  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var (rest, length) = (bytes.count - 127, [UInt8(127)])
    while rest >= 128 {
      length.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return length + [UInt8(rest)] + bytes
  }

  /// A whole request without a body.
  public static func request(_ stream: UInt32, _ path: String, _ fields: [(String, String)] = []) -> [UInt8] {
    frame(1, flags: 5, stream: stream, block(HTTP2Client.head("GET", path) + fields))
  }
}
