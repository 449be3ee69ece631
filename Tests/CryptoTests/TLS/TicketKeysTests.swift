import COpenSSL
import Reactor
import Support
import Testing

@testable import Crypto

@Suite struct TicketKeysTests {
  private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: UInt64(seconds) * 1_000_000_000) }

  private func name(of key: TicketKey) -> [UInt8] {
    var (name, vector) = ([UInt8](repeating: 0, count: 16), [UInt8](repeating: 0, count: 16))
    guard let cipher = EVP_CIPHER_CTX_new(), let method = EVP_MAC_fetch(nil, "HMAC", nil),
      let code = EVP_MAC_CTX_new(method)
    else { return [] }
    defer {
      EVP_CIPHER_CTX_free(cipher)
      EVP_MAC_CTX_free(code)
      EVP_MAC_free(method)
    }
    return key.seal(&name, &vector, cipher, code) ? name : []
  }

  @Test func `a key seals for an interval, opens for another one, and is forgotten`() throws {
    let keys = TicketKeys(rotatedEvery: .seconds(100))
    let first = try #require(keys.current(at: Self.at(1000)))
    #expect(keys.current(at: Self.at(1099)) === first)
    let name = name(of: first)
    #expect(keys.key(named: name, at: Self.at(1099))?.isOld == false)
    let second = try #require(keys.current(at: Self.at(1100)))
    #expect(second !== first)
    #expect(keys.key(named: name, at: Self.at(1199))?.key === first)
    #expect(keys.key(named: name, at: Self.at(1199))?.isOld == true)
    #expect(keys.key(named: name, at: Self.at(1200)) == nil)
  }

  @Test func `after a long silence no old key is left`() throws {
    let keys = TicketKeys(rotatedEvery: .seconds(100))
    let first = try #require(keys.current(at: Self.at(1000)))
    #expect(keys.key(named: name(of: first), at: Self.at(1200)) == nil)
  }

  @Test func `another interval holds for the keys that are there`() throws {
    let keys = TicketKeys(rotatedEvery: .seconds(100))
    let first = try #require(keys.current(at: Self.at(1000)))
    keys.rotate(every: .seconds(10))
    #expect(keys.key(named: name(of: first), at: Self.at(1015))?.isOld == true)
  }

  @Test func `a name that no key has opens nothing`() {
    let keys = TicketKeys(rotatedEvery: .seconds(100))
    #expect(keys.key(named: [UInt8](repeating: 7, count: 16), at: Self.at(1)) == nil)
  }
}
