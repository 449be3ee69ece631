import COpenSSL
import Crypto
import Testing

@testable import Admission

/// What an issuer has: a private key or a secret, made for the tests.
///
/// OpenSSL only reads a key once it is made, so tests may share one.
final class SigningKey: @unchecked Sendable {
  /// What OpenSSL did not do.
  struct Failure: Error {}

  let algorithm: SignatureAlgorithm
  private let pair: OpaquePointer?
  let secret: [UInt8]

  private init(_ algorithm: SignatureAlgorithm, pair: OpaquePointer?, secret: [UInt8] = []) {
    self.algorithm = algorithm
    self.pair = pair
    self.secret = secret
  }

  deinit { EVP_PKEY_free(pair) }

  /// A new key for an algorithm; a secret consists of 32 random bytes.
  static func make(_ algorithm: SignatureAlgorithm) throws -> SigningKey {
    switch algorithm {
    case .hs256:
      SigningKey(.hs256, pair: nil, secret: (0..<32).map { _ in UInt8.random(in: 0...255) })
    case .rs256:
      SigningKey(.rs256, pair: try generate("RSA") { EVP_PKEY_CTX_set_rsa_keygen_bits($0, 2048) == 1 })
    case .es256:
      SigningKey(.es256, pair: try generate("EC") { EVP_PKEY_CTX_set_group_name($0, "P-256") == 1 })
    case .edDSA: SigningKey(.edDSA, pair: try generate("ED25519") { _ in true })
    }
  }

  /// The RSA key of all tests that need only one, because looking for primes takes long.
  static func rsa() throws -> SigningKey { try sharedRSA.get() }

  private static let sharedRSA = Result { try make(.rs256) }

  /// A secret that somebody chose.
  static func secret(_ bytes: [UInt8]) -> SigningKey {
    SigningKey(.hs256, pair: nil, secret: bytes)
  }

  private static func generate(_ kind: String, _ set: (OpaquePointer) -> Bool) throws -> OpaquePointer {
    guard let maker = EVP_PKEY_CTX_new_from_name(nil, kind, nil) else { throw Failure() }
    defer { EVP_PKEY_CTX_free(maker) }
    var pair: OpaquePointer?
    guard EVP_PKEY_keygen_init(maker) == 1, set(maker), EVP_PKEY_generate(maker, &pair) == 1, let pair else {
      throw Failure()
    }
    return pair
  }

  /// The signature of a message as tokens carry it.
  func sign(_ message: [UInt8]) throws -> [UInt8] {
    guard pair != nil else { return try authenticate(message) }
    let encoded = try signEncoded(message)
    return algorithm == .es256 ? Self.raw(ofDER: encoded) : encoded
  }

  /// The signature as OpenSSL makes it: for ES256 in DER.
  func signEncoded(_ message: [UInt8]) throws -> [UInt8] {
    guard let state = EVP_MD_CTX_new() else { throw Failure() }
    defer { EVP_MD_CTX_free(state) }
    var signature = [UInt8](repeating: 0, count: 1024)
    var count = signature.count
    guard EVP_DigestSignInit(state, nil, algorithm == .edDSA ? nil : EVP_sha256(), nil, pair) == 1,
      EVP_DigestSign(state, &signature, &count, message, message.count) == 1
    else { throw Failure() }
    return Array(signature[..<count])
  }

  private func authenticate(_ message: [UInt8]) throws -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    guard
      EVP_Q_mac(
        nil, "HMAC", nil, "SHA256", nil, secret, secret.count, message, message.count, &code, code.count, nil) != nil
    else { throw Failure() }
    return code
  }

  /// Two DER integers as 32 bytes each.
  private static func raw(ofDER der: [UInt8]) -> [UInt8] {
    var raw: [UInt8] = []
    var place = 2
    for _ in 0..<2 {
      let count = Int(der[place + 1])
      let integer = der[place + 2..<place + 2 + count].drop { $0 == 0 }
      raw += [UInt8](repeating: 0, count: 32 - integer.count) + integer
      place += 2 + count
    }
    return raw
  }
}

// What others get of it.
extension SigningKey {
  /// `PUBLIC KEY` in PEM.
  func publicPEM() throws -> String {
    try pem { PEM_write_bio_PUBKEY($0, pair) }
  }

  /// `PRIVATE KEY` in PEM.
  func privatePEM() throws -> String {
    try pem { PEM_write_bio_PrivateKey($0, pair, nil, nil, 0, nil, nil) }
  }

  private func pem(_ write: (OpaquePointer) -> Int32) throws -> String {
    guard let output = BIO_new(BIO_s_mem()) else { throw Failure() }
    defer { BIO_free(output) }
    guard write(output) == 1 else { throw Failure() }
    var text = [UInt8](repeating: 0, count: 8192)
    let count = BIO_read(output, &text, Int32(text.count))
    return String(decoding: text[..<Int(max(count, 0))], as: UTF8.self)
  }

  /// The members of its JSON Web Key that hold the public numbers, or the secret.
  func members() throws -> String {
    switch algorithm {
    case .hs256: return #""kty":"oct","k":"\#(base64URL(secret))""#
    case .rs256: return #""kty":"RSA","n":"\#(base64URL(try number("n")))","e":"\#(base64URL(try number("e")))""#
    case .es256:
      var point = [UInt8](repeating: 0, count: 65)
      var count = 0
      guard EVP_PKEY_get_octet_string_param(pair, "pub", &point, 65, &count) == 1, count == 65 else { throw Failure() }
      let (x, y) = (base64URL(Array(point[1...32])), base64URL(Array(point[33...])))
      return #""kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)""#
    case .edDSA:
      var bytes = [UInt8](repeating: 0, count: 32)
      var count = 32
      guard EVP_PKEY_get_raw_public_key(pair, &bytes, &count) == 1 else { throw Failure() }
      return #""kty":"OKP","crv":"Ed25519","x":"\#(base64URL(bytes))""#
    }
  }

  private func number(_ name: String) throws -> [UInt8] {
    var number: OpaquePointer?
    guard EVP_PKEY_get_bn_param(pair, name, &number) == 1 else { throw Failure() }
    defer { BN_free(number) }
    var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(number) + 7) / 8)
    BN_bn2bin(number, &bytes)
    return bytes
  }

  /// The key as a gateway has it, with a name or without.
  func key(id: String? = nil) throws -> TokenKey {
    let text = #"{"keys":[{\#(try members())\#(id.map { ",\"kid\":\"\($0)\"" } ?? "")}]}"#
    return try #require(try TokenKey.keys(Array(text.utf8).span).first)
  }
}

/// Bytes as tokens carry them.
func base64URL(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
  var text = ""
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for place in 0...group.count { text.append(alphabet[bits >> (18 - 6 * place) & 63]) }
  }
  return text
}
