import Glibc
import Support
import Testing

@testable import Crypto

@Suite struct TLSCertificateTests {
  let authority: TestAuthority
  let good: TestAuthority.Issued

  init() throws {
    authority = try TestAuthority()
    good = try authority.issue("DNS:a.example")
  }

  private func error(_ certificate: String, _ key: String) -> TLSError? {
    do throws(TLSError) {
      _ = try TLSCertificate(certificate: Array(certificate.utf8).span, key: Array(key.utf8).span)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a certificate, its chain and its key are taken from PEM texts`() throws {
    #expect(error(good.certificate, good.key) == nil)
    #expect(try error("for people\n\(good.certificate)\n\(authority.pem)", good.key) == nil)
    let both = good.certificate + good.key
    #expect(error(both, both) == nil)
  }

  @Test func `what is wrong is told by kind`() throws {
    #expect(error("", good.key) == .noBlock(kind: .certificate))
    #expect(error("nothing here\n", good.key) == .noBlock(kind: .certificate))
    #expect(error(good.key, good.key) == .noBlock(kind: .certificate))
    #expect(error(good.certificate, "") == .noBlock(kind: .key))
    #expect(error(good.certificate, good.certificate) == .noBlock(kind: .key))
    #expect(try error(good.certificate, authority.issue("DNS:b.example").key) == .keyMismatch)
    #expect(try error(good.certificate, authority.issue("DNS:b.example", password: "secret").key) == .encryptedKey)
    let broken = good.certificate.replacing("MII", with: "M*I")
    guard case .malformed(kind: .certificate, _)? = error(broken, good.key) else {
      Issue.record("a broken certificate was taken")
      return
    }
    let long = String(repeating: good.certificate, count: TLSCertificate.maximumChain + 1)
    #expect(error(long, good.key) == .tooMany(kind: .certificate))
  }

  @Test func `texts of errors name what was given and what is allowed, and nothing of a key`() {
    #expect(
      TLSError.keyMismatch.description
        == "given a private key that is not the certificate's, allowed: the private key that belongs to the certificate"
    )
    #expect(TLSError.encryptedKey.description.contains("needs a password"))
  }

  @Test func `its last second is known`() throws {
    let certificate = try TLSCertificate(authority.issue("DNS:a.example", seconds: -7200 ... -3600))
    let now = Int(time(nil))
    #expect((now - 3700...now - 3500).contains(certificate.expires))
  }

  @Test func `authorities are certificates`() throws {
    let pem = try authority.pem
    #expect(try TLSAuthorities(Array((pem + pem).utf8).span).certificates.count == 2)
    #expect(throws: TLSError.noBlock(kind: .authorities)) { try TLSAuthorities(Array("nothing".utf8).span) }
  }
}
