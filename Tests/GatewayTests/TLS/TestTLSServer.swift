import COpenSSL
import Support
import Testing

/// An orchestrator's end of a TLS connection, in blocking calls.
final class TestTLSServer {
  let socket: TestSocket
  private let settings: OpaquePointer
  private let connection: OpaquePointer
  private var received = ""

  /// Shakes hands with whoever has connected.
  init(_ socket: TestSocket, _ issued: TestAuthority.Issued) throws {
    self.socket = socket
    settings = try #require(SSL_CTX_new(TLS_server_method()))
    let (text, keyText) = (Array(issued.certificate.utf8), Array(issued.key.utf8))
    let reader = try #require(BIO_new_mem_buf(text, Int32(text.count)))
    let keyReader = try #require(BIO_new_mem_buf(keyText, Int32(keyText.count)))
    let certificate = PEM_read_bio_X509(reader, nil, nil, nil)
    let key = PEM_read_bio_PrivateKey(keyReader, nil, nil, nil)
    SSL_CTX_use_cert_and_key(settings, certificate, key, nil, 1)
    X509_free(certificate)
    EVP_PKEY_free(key)
    BIO_free(reader)
    BIO_free(keyReader)
    connection = try #require(SSL_new(settings))
    SSL_set_fd(connection, socket.descriptor)
    // With TLS 1.3 a client's refusal comes only behind our last word, with the first read.
    SSL_ctrl(connection, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    ERR_clear_error()
    guard SSL_accept(connection) == 1 else {
      ERR_clear_error()
      throw TestTLSClient.Refused(reason: "no handshake")
    }
  }

  deinit {
    SSL_free(connection)
    SSL_CTX_free(settings)
  }

  /// The host that the client asked for.
  var serverName: String? {
    SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
  }

  func send(_ text: String) throws {
    let bytes = Array(text.utf8)
    guard SSL_write(connection, bytes, Int32(bytes.count)) == Int32(bytes.count) else { throw TestSocket.Closed() }
  }

  func end() { SSL_shutdown(connection) }

  func read(through mark: String) throws -> String {
    while !received.contains(mark) {
      var buffer = [UInt8](repeating: 0, count: 16_384)
      let count = SSL_read(connection, &buffer, Int32(buffer.count))
      guard count > 0 else { throw TestSocket.Closed() }
      received += String(decoding: buffer[..<Int(count)], as: UTF8.self)
    }
    return received
  }
}
