import COpenSSL
import Glibc

/// An authority that a test makes, and that issues what the test needs.
///
/// Unchecked: it never changes, and OpenSSL only reads what it has.
public final class TestAuthority: @unchecked Sendable {
  /// What OpenSSL did not do.
  public struct Failure: Error {}

  /// A certificate with its key, both PEM.
  public struct Issued: Sendable {
    /// The certificate.
    public let certificate: String
    /// Its private key.
    public let key: String
  }

  private let key: OpaquePointer
  private let certificate: OpaquePointer

  /// The authority's own certificate, PEM.
  public var pem: String { get throws { try Self.text { PEM_write_bio_X509($0, certificate) } } }

  /// A new authority.
  public init(_ name: String = "test authority") throws {
    key = try Self.makeKey()
    certificate = try Self.makeCertificate(
      name, for: key, extensions: [(NID_basic_constraints, "critical,CA:TRUE")], seconds: -3600...86_400)
    guard X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1,
      X509_sign(certificate, key, EVP_sha256()) > 0
    else { throw Failure() }
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }

  /// A certificate with a new key.
  ///
  /// - Parameters:
  ///   - names: as they stand in a subjectAltName, such as `DNS:a.example`, `IP:127.0.0.1`.
  ///   - seconds: when it is valid, seen from now.
  ///   - bits: for an RSA key; `nil` for a key on P-256.
  ///   - password: what the key is encrypted with.
  /// - Returns: both as PEM.
  /// - Throws: `Failure`.
  public func issue(
    _ names: String..., seconds: ClosedRange<Int> = -3600...86_400, rsaBits bits: UInt32? = nil,
    password: String? = nil
  ) throws -> Issued {
    let key = try Self.makeKey(rsaBits: bits)
    defer { EVP_PKEY_free(key) }
    let certificate = try Self.makeCertificate(
      "test", for: key, extensions: [(NID_subject_alt_name, names.joined(separator: ","))], seconds: seconds)
    defer { X509_free(certificate) }
    guard X509_set_issuer_name(certificate, X509_get_subject_name(self.certificate)) == 1,
      X509_sign(certificate, self.key, EVP_sha256()) > 0
    else { throw Failure() }
    return Issued(
      certificate: try Self.text { PEM_write_bio_X509($0, certificate) },
      key: try Self.text { writer in
        guard let password else { return PEM_write_bio_PrivateKey(writer, key, nil, nil, 0, nil, nil) }
        return PEM_write_bio_PrivateKey(
          writer, key, EVP_aes_128_cbc(), Array(password.utf8), Int32(password.utf8.count), nil, nil)
      })
  }

  private static func makeKey(rsaBits bits: UInt32? = nil) throws -> OpaquePointer {
    guard let maker = EVP_PKEY_CTX_new_from_name(nil, bits == nil ? "EC" : "RSA", nil) else { throw Failure() }
    defer { EVP_PKEY_CTX_free(maker) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(maker) == 1,
      bits.map({ EVP_PKEY_CTX_set_rsa_keygen_bits(maker, Int32($0)) == 1 })
        ?? (EVP_PKEY_CTX_set_group_name(maker, "P-256") == 1),
      EVP_PKEY_generate(maker, &key) == 1, let key
    else { throw Failure() }
    return key
  }

  private static func makeCertificate(
    _ name: String, for key: OpaquePointer, extensions: [(nid: Int32, value: String)], seconds: ClosedRange<Int>
  ) throws -> OpaquePointer {
    guard let certificate = X509_new() else { throw Failure() }
    let subject = X509_get_subject_name(certificate)
    guard X509_set_version(certificate, 2) == 1,
      ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...Int(Int32.max))) == 1,
      X509_gmtime_adj(X509_getm_notBefore(certificate), seconds.lowerBound) != nil,
      X509_gmtime_adj(X509_getm_notAfter(certificate), seconds.upperBound) != nil,
      X509_NAME_add_entry_by_txt(subject, "CN", utf8, name, -1, -1, 0) == 1,
      X509_set_pubkey(certificate, key) == 1
    else { throw Failure() }
    for (nid, value) in extensions {
      let part = X509V3_EXT_conf_nid(nil, nil, nid, value)
      defer { X509_EXTENSION_free(part) }
      guard X509_add_ext(certificate, part, -1) == 1 else { throw Failure() }
    }
    return certificate
  }

  /// MBSTRING_UTF8, a macro with a shift.
  private static let utf8: Int32 = 0x1000

  private static func text(_ write: (OpaquePointer) -> Int32) throws -> String {
    guard let writer = BIO_new(BIO_s_mem()) else { throw Failure() }
    defer { BIO_free(writer) }
    guard write(writer) == 1 else { throw Failure() }
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = BIO_read(writer, &bytes, Int32(bytes.count))
    guard count > 0 else { throw Failure() }
    return String(decoding: bytes[..<Int(count)], as: UTF8.self)
  }
}
