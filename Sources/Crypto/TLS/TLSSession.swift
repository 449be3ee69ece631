internal import COpenSSL
public import Reactor

/// One connection's TLS: OpenSSL's `SSL` on a descriptor, as the layer of a socket.
///
/// OpenSSL reads and writes the descriptor itself, because bytes that are handed to it through memory cost every idle
/// connection a buffer of its own. It keeps none while nothing is under way (SSL_MODE_RELEASE_BUFFERS).
/// - Owner: the socket.
/// - Thread: one at a time; it may go on on another.
@safe
public final class TLSSession: SocketLayer {
  // Not to be checked by the compiler: the one socket that has the layer uses it, on its loop's thread.
  private nonisolated(unsafe) let connection: OpaquePointer
  /// What its callbacks need; OpenSSL keeps only the address.
  private let settings: any Sendable
  /// Whether this side says the first word.
  public let speaksFirst: Bool

  /// Takes over an `SSL`.
  ///
  /// SSL_set_accept_state(3), SSL_set_connect_state(3).
  @unsafe
  init(adopting connection: OpaquePointer, isClient: Bool, keeping settings: any Sendable) {
    unsafe self.connection = connection
    self.settings = settings
    speaksFirst = isClient
    if isClient { unsafe SSL_set_connect_state(connection) } else { unsafe SSL_set_accept_state(connection) }
  }

  deinit {
    unsafe SSL_free(connection)
  }

  /// What the peers agreed on by ALPN (RFC 7301), such as `h2`; `nil` where they did not.
  ///
  /// SSL_get0_alpn_selected(3).
  public var applicationProtocol: String? {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(connection, &name, &count)
    guard let name = unsafe name else { return nil }
    return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
  }

  /// Whether an earlier session went on, without certificates.
  ///
  /// SSL_session_reused(3).
  public var isResumed: Bool { unsafe SSL_session_reused(connection) == 1 }

  /// The version, such as `TLSv1.3`.
  ///
  /// SSL_get_version(3).
  public var version: String { unsafe String(cString: SSL_get_version(connection)) }

  /// Takes the descriptor.
  ///
  /// SSL_set_fd(3).
  public func begin(on descriptor: Int32) {
    unsafe SSL_set_fd(connection, descriptor)
  }

  /// Goes on with the handshake.
  ///
  /// SSL_do_handshake(3).
  public func handshake() -> LayerStep {
    ErrorQueue.clear()
    let result = unsafe SSL_do_handshake(connection)
    return result == 1 ? .done(0) : step(after: result)
  }

  /// Reads one record, or what there is of it.
  ///
  /// SSL_read(3).
  public func read(into memory: UnsafeMutableRawBufferPointer) -> LayerStep {
    ErrorQueue.clear()
    let result = unsafe SSL_read(connection, memory.baseAddress, Int32(clamping: memory.count))
    return result > 0 ? .done(Int(result)) : step(after: result)
  }

  /// Writes one record.
  ///
  /// SSL_write(3).
  public func write(_ bytes: UnsafeRawBufferPointer) -> LayerStep {
    ErrorQueue.clear()
    let result = unsafe SSL_write(connection, bytes.baseAddress, Int32(clamping: bytes.count))
    return result > 0 ? .done(Int(result)) : step(after: result)
  }

  /// Sends the closing alert; the peer's own is not waited for.
  ///
  /// SSL_shutdown(3).
  public func end() -> LayerStep {
    ErrorQueue.clear()
    let result = unsafe SSL_shutdown(connection)
    return result >= 0 ? .done(0) : step(after: result)
  }

  /// SSL_get_error(3).
  private func step(after result: Int32) -> LayerStep {
    switch unsafe SSL_get_error(connection, result) {
    case SSL_ERROR_WANT_READ: return .awaitsRead
    case SSL_ERROR_WANT_WRITE: return .awaitsWrite
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL:
      ErrorQueue.clear()
      return .failed(.peerLeft)
    default: return .failed(failure())
    }
  }

  private func failure() -> LayerFailure {
    defer { ErrorQueue.clear() }
    if ErrorQueue.says(SSL_R_HTTP_REQUEST) { return .plainHTTP }
    if ErrorQueue.says(SSL_R_UNEXPECTED_EOF_WHILE_READING) { return .peerLeft }
    let verdict = unsafe SSL_get_verify_result(connection)
    guard ErrorQueue.says(SSL_R_CERTIFICATE_VERIFY_FAILED), verdict != X509_V_OK else {
      return .broken(ErrorQueue.takeCause())
    }
    return .broken("certificate: \(unsafe String(cString: X509_verify_cert_error_string(verdict)).lowercased())")
  }
}
