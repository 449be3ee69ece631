import Crypto
import Testing

@Suite struct PEMBlockTests {
  private func blocks(_ text: String, atMost maximum: Int = 10) throws(CryptoError) -> [PEMBlock] {
    let bytes = Array(text.utf8)
    return try PEMBlock.blocks(in: bytes.span, atMost: maximum)
  }

  private func key(_ text: String) throws -> PublicKey {
    try PublicKey(try #require(try blocks(text).first))
  }

  @Test func `a key, its older form and a certificate are read`() throws {
    let (rs256, es256, edDSA) = (try Vector.rs256(), try Vector.es256(), try Vector.edDSA())
    for text in [KnownKeys.rsa, KnownKeys.rsaOlder] {
      let key = VerificationKey.publicKey(try key(text))
      #expect(Vector(key: key, message: rs256.message, signature: rs256.signature).verifies())
    }
    let certified = VerificationKey.publicKey(try key(KnownKeys.certificate))
    #expect(Vector(key: certified, message: es256.message, signature: es256.signature).verifies())
    let ed25519 = VerificationKey.publicKey(try key(KnownKeys.ed25519))
    #expect(Vector(key: ed25519, message: edDSA.message, signature: edDSA.signature).verifies())
  }

  @Test func `blocks stand in any order with anything between them`() throws {
    let text = "# ours\n\(KnownKeys.rsa)\nand\r\n\r\n\(KnownKeys.certificate)\n\n\(KnownKeys.ed25519)\nend"
    let found = try blocks(text)
    #expect(found.map(\.label) == ["PUBLIC KEY", "CERTIFICATE", "PUBLIC KEY"])
    #expect(try found.map { try PublicKey($0).algorithm } == [.rs256, .es256, .edDSA])
    let returns = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    #expect(try blocks(returns) == found)
  }

  @Test func `a text without blocks has none`() throws {
    for text in ["", "\n", "ssh-ed25519 AAAA", "{}", "-----BEGIN"] { #expect(try blocks(text) == []) }
  }

  @Test func `a text with too many blocks gives one more`() throws {
    let text = Array(repeating: KnownKeys.ed25519, count: 5).joined(separator: "\n")
    #expect(try blocks(text, atMost: 5).count == 5)
    #expect(try blocks(text, atMost: 4).count == 5)
    #expect(try blocks(text, atMost: 1).count == 2)
  }

  @Test func `a block that is cut or damaged is an error, wherever it stands`() {
    let cut = String(KnownKeys.rsa.dropLast(30))
    let damaged = KnownKeys.rsa.replacing("MIIB", with: "M*IB")
    for text in [cut, damaged, KnownKeys.ed25519 + "\n" + cut, KnownKeys.ed25519 + "\n" + damaged] {
      #expect {
        try blocks(text)
      } throws: { error in
        if case .pem? = error as? CryptoError { true } else { false }
      }
    }
  }

  @Test(arguments: [
    (KnownKeys.p384, "EC on secp384r1"), (KnownKeys.x25519, "X25519"), (KnownKeys.pss, "RSA-PSS"),
    (KnownKeys.explicit, "EC on a curve without a name"),
  ])
  func `a key that no algorithm uses is refused by its kind`(text: String, kind: String) {
    #expect(throws: CryptoError.unsupported(kind: kind)) { try key(text) }
  }

  @Test func `a weak key and a block that is no key are refused`() {
    #expect(throws: CryptoError.modulus(bits: 1024)) { try key(KnownKeys.weak) }
    #expect(throws: CryptoError.block(label: "CERTIFICATE REQUEST")) { try key(KnownKeys.request) }
  }

  @Test(arguments: ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"])
  func `a private key is refused unread`(label: String) {
    // A text like this one could be taken for a key that leaked, so its label is put in here.
    let text = "-----BEGIN \(label)-----\nAAAA\n-----END \(label)-----\n"
    #expect(throws: CryptoError.privateKey) { try key(text) }
  }

  @Test(arguments: ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"])
  func `bytes that are no key are refused in OpenSSL's words`(label: String) throws {
    for content in ["", "AAAA", "MAA=", "MCowBQYDK2VwAyEA"] {
      #expect {
        try key("-----BEGIN \(label)-----\n\(content)\n-----END \(label)-----\n")
      } throws: { error in
        switch error as? CryptoError {
        case .malformed(let reason)?: !reason.isEmpty
        case .pem?: content.isEmpty
        default: false
        }
      }
    }
  }

  @Test func `nothing may follow a key in its block`() throws {
    let block = try #require(try blocks(KnownKeys.ed25519).first)
    let more = KnownKeys.ed25519.replacing("cHURo=", with: "cHURoA")
    let longer = try #require(try blocks(more).first)
    #expect(longer.bytes == block.bytes + [0])
    #expect(throws: CryptoError.malformed(reason: "bytes after its end")) { try PublicKey(longer) }
  }

  @Test func `an error says what was given and what is allowed`() {
    #expect(
      "\(CryptoError.modulus(bits: 1024))" == "given an RSA key of 1024 bits, allowed: RSA keys of 2048 to 8192 bits")
    #expect("\(CryptoError.secret(bytes: 5))" == "given a secret of 5 bytes, allowed: a secret of 32 bytes or more")
    #expect("\(CryptoError.privateKey)" == "given a private key, allowed: the public key alone")
  }
}
