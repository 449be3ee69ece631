import Crypto
import Testing

@testable import Admission

@Suite struct KeySetTests {
  private let all = SignatureAlgorithm.allCases

  @Test func `of a thousand keys each is found by its name`() throws {
    let issuers = try (0..<KeySet.maximumKeys).map { _ in try SigningKey.make(.edDSA) }
    let list = try issuers.enumerated().map { #"{"kid":"key \#($0)",\#(try $1.members())}"# }.joined(separator: ",")
    let text = Array(#"{"keys":[\#(list)]}"#.utf8)
    let keys = try KeySet(TokenKey.keys(text.span), algorithms: all)
    #expect(keys.count == 1000)
    for index in stride(from: 0, to: 1000, by: 37) {
      #expect(try SignedToken(issuers[index], id: "key \(index)").verdict(keys) == .accepted(SignedToken.alice))
      #expect(try SignedToken(issuers[index], id: "key \(index ^ 1)").verdict(keys) == .refused(.signature))
    }
    #expect(try SignedToken(issuers[999], id: "key 1000").verdict(keys) == .refused(.keyUnknown))
    #expect(try SignedToken(issuers[0]).verdict(keys) == .accepted(SignedToken.alice), "among the first, without name")
    #expect(try SignedToken(issuers[999]).verdict(keys) == .refused(.signature), "not among the first")
  }

  @Test func `a thousand and one are too many`() throws {
    let key = try SigningKey.make(.edDSA)
    let keys = try (0...KeySet.maximumKeys).map { try key.key(id: "\($0)") }
    #expect(throws: KeyFileError.tooManyKeys) { try KeySet(keys, algorithms: all) }
    #expect(try KeySet(Array(keys.dropLast()), algorithms: all).count == 1000)
    let list = try (0...KeySet.maximumKeys).map { #"{"kid":"\#($0)",\#(try key.members())}"# }.joined(separator: ",")
    #expect(throws: KeyFileError.tooManyKeys) { try TokenKey.keys(Array(#"{"keys":[\#(list)]}"#.utf8).span) }
    let pem = String(repeating: try key.publicPEM(), count: KeySet.maximumKeys + 1)
    #expect(throws: KeyFileError.tooManyKeys) { try TokenKey.keys(Array(pem.utf8).span) }
  }

  @Test func `a token without a key's name tries the first eight of its algorithm`() throws {
    let issuers = try (0..<9).map { _ in try SigningKey.make(.es256) }
    let others = try (0..<20).map { _ in try SigningKey.make(.edDSA) }
    for names in [true, false] {
      let keys = try KeySet(
        (others + issuers).enumerated().map { try $1.key(id: names ? "\($0)" : nil) }, algorithms: all)
      for issuer in issuers.prefix(8) {
        #expect(try SignedToken(issuer).verdict(keys) == .accepted(SignedToken.alice))
      }
      #expect(try SignedToken(issuers[8]).verdict(keys) == .refused(.signature))
      #expect(try keys.candidates(for: .es256, id: nil).count == KeySet.maximumTried)
    }
  }

  @Test func `a name that nobody has means the keys without one`() throws {
    let (named, plain) = (try SigningKey.make(.es256), try SigningKey.make(.es256))
    let keys = try KeySet([named.key(id: "a"), plain.key()], algorithms: all)
    #expect(try SignedToken(plain, id: "of the issuer").verdict(keys) == .accepted(SignedToken.alice))
    #expect(try SignedToken(named, id: "of the issuer").verdict(keys) == .refused(.signature))
    #expect(try SignedToken(plain, id: "a").verdict(keys) == .refused(.signature))
    #expect(try SignedToken(plain).verdict(keys) == .accepted(SignedToken.alice))
  }

  @Test func `one name may stand for a key of each algorithm`() throws {
    let (es, ed) = (try SigningKey.make(.es256), try SigningKey.make(.edDSA))
    let text = #"{"keys":[{"kid":"a",\#(try es.members())},{"kid":"a",\#(try ed.members())}]}"#
    let keys = try KeySet(TokenKey.keys(Array(text.utf8).span), algorithms: all)
    #expect(try SignedToken(es, id: "a").verdict(keys) == .accepted(SignedToken.alice))
    #expect(try SignedToken(ed, id: "a").verdict(keys) == .accepted(SignedToken.alice))
    #expect(try SignedToken(header: #"{"alg":"RS256","kid":"a"}"#, signedBy: es).verdict(keys) == .refused(.algorithm))
  }

  @Test func `keys of algorithms that are not allowed do not exist`() throws {
    let (es, ed) = (try SigningKey.make(.es256), try SigningKey.make(.edDSA))
    let keys = try KeySet([es.key(), ed.key()], algorithms: [.edDSA])
    #expect(keys.count == 1)
    #expect(try SignedToken(es).verdict(keys) == .refused(.algorithm))
    #expect(try SignedToken(ed).verdict(keys) == .accepted(SignedToken.alice))
    #expect(throws: KeyFileError.noUsableKey(others: 2)) {
      try KeySet([es.key(), ed.key()], algorithms: [.rs256, .hs256])
    }
    #expect(throws: KeyFileError.noUsableKey(others: 0)) { try KeySet([], algorithms: all) }
  }
}
