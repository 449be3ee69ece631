import COpenSSL
import Glibc
import Support
import Testing

/// A blocking TLS connection that a test plays a client with, by OpenSSL alone.
///
/// Unchecked: a test uses it from one thread at a time.
final class TestTLSClient: @unchecked Sendable {
  /// What a client wants of its connection.
  struct Wishes {
    var host = "localhost"
    var version = TLS1_3_VERSION
    var certificate: TestAuthority.Issued?
    var session: OpaquePointer?
    var receiveBuffer: Int32?
    /// Sent in the clear before the handshake.
    var prelude = ""
  }

  struct Refused: Error { let reason: String }

  let socket: TestSocket
  private let settings: OpaquePointer
  private let connection: OpaquePointer
  private var received: [UInt8] = []

  /// Connects to 127.0.0.1, shakes hands, and believes one authority.
  init(port: UInt16, authority: TestAuthority, _ wishes: Wishes = Wishes()) throws {
    socket = try TestSocket(port: port, receiveBuffer: wishes.receiveBuffer)
    if !wishes.prelude.isEmpty { try socket.send(wishes.prelude) }
    settings = try #require(SSL_CTX_new(TLS_client_method()))
    connection = try Self.connection(settings, authority, wishes)
    SSL_set_fd(connection, socket.descriptor)
    ERR_clear_error()
    guard SSL_connect(connection) == 1 else { throw Refused(reason: Self.reason) }
  }

  deinit {
    // A session whose end was not told is none that may go on.
    SSL_shutdown(connection)
    SSL_free(connection)
    SSL_CTX_free(settings)
  }

  private static func connection(
    _ settings: OpaquePointer, _ authority: TestAuthority, _ wishes: Wishes
  ) throws -> OpaquePointer {
    let text = Array(try authority.pem.utf8)
    let reader = try #require(BIO_new_mem_buf(text, Int32(text.count)))
    defer { BIO_free(reader) }
    let root = PEM_read_bio_X509(reader, nil, nil, nil)
    defer { X509_free(root) }
    X509_STORE_add_cert(SSL_CTX_get_cert_store(settings), root)
    SSL_CTX_set_verify(settings, SSL_VERIFY_PEER, nil)
    let connection = try #require(SSL_new(settings))
    try #require(
      sluice_ssl_set_server_name(connection, wishes.host) == 1 && SSL_set1_host(connection, wishes.host) == 1)
    SSL_ctrl(connection, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(wishes.version), nil)
    if let session = wishes.session { SSL_set_session(connection, session) }
    if let mine = wishes.certificate { try show(mine, by: connection) }
    return connection
  }

  private static func show(_ issued: TestAuthority.Issued, by connection: OpaquePointer) throws {
    let (text, keyText) = (Array(issued.certificate.utf8), Array(issued.key.utf8))
    let reader = try #require(BIO_new_mem_buf(text, Int32(text.count)))
    let keyReader = try #require(BIO_new_mem_buf(keyText, Int32(keyText.count)))
    let certificate = PEM_read_bio_X509(reader, nil, nil, nil)
    let key = PEM_read_bio_PrivateKey(keyReader, nil, nil, nil)
    defer {
      BIO_free(reader)
      BIO_free(keyReader)
      X509_free(certificate)
      EVP_PKEY_free(key)
    }
    try #require(SSL_use_cert_and_key(connection, certificate, key, nil, 1) == 1)
  }

  private static var reason: String {
    let words = ERR_reason_error_string(ERR_peek_error()).map { String(cString: $0) } ?? "closed"
    ERR_clear_error()
    return words
  }

  /// Whether an earlier session went on.
  var isResumed: Bool { SSL_session_reused(connection) == 1 }

  /// The session so far, for another connection; the test's end frees it.
  var session: OpaquePointer? { SSL_get1_session(connection) }

  func send(_ text: String) throws {
    let bytes = Array(text.utf8)
    guard SSL_write(connection, bytes, Int32(bytes.count)) == Int32(bytes.count) else { throw TestSocket.Closed() }
  }

  /// Everything up to and with a mark; what follows stays for the next call.
  func read(through mark: String) throws -> String {
    var searched = 0
    while true {
      if let end = received.end(of: Array(mark.utf8), from: searched) {
        defer { received.removeFirst(end) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      searched = max(0, received.count - mark.utf8.count)
      try receive()
    }
  }

  /// Everything to the peer's closing alert; without one, `Refused`.
  func readToEnd() throws -> String {
    while true {
      do { try receive() } catch is TestSocket.Closed {
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
      }
    }
  }

  /// Tells that nothing follows, and reads on.
  func end() { SSL_shutdown(connection) }

  private func receive() throws {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    ERR_clear_error()
    let count = SSL_read(connection, &buffer, Int32(buffer.count))
    if count > 0 { return received += buffer[..<Int(count)] }
    if SSL_get_error(connection, count) == SSL_ERROR_ZERO_RETURN { throw TestSocket.Closed() }
    throw Refused(reason: Self.reason)
  }
}

extension [UInt8] {
  fileprivate func end(of mark: [UInt8], from first: Int) -> Int? {
    guard count - first >= mark.count else { return nil }
    for start in first...(count - mark.count)
    where self[start] == mark[0] && self[start..<start + mark.count].elementsEqual(mark) {
      return start + mark.count
    }
    return nil
  }
}
