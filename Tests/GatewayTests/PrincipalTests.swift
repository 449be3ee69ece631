import Admission
import Settings
import Testing
import Wire

@testable import Gateway

@Suite struct PrincipalTests {
  private func principal(_ subject: String, _ issuer: String?) -> Principal {
    Principal(subject: Array(subject.utf8), of: issuer.map { Array($0.utf8) })
  }

  @Test func `the same name by the same issuer is the same principal`() {
    #expect(principal("ann", "https://id.example") == principal("ann", "https://id.example"))
    #expect(principal("ann", nil) == principal("ann", nil))
  }

  @Test func `parts that read alike in a row are different principals`() {
    // Cut anywhere, shifted from one part into the other, with the bytes that stand between parts within them.
    let texts = [
      "", "a", "ab", "b", "1", "11", "1\u{0}a", "\u{0}1\u{0}a", "0", "\u{0}", "\u{0}\u{0}", "subject", "abab",
    ]
    var seen: [Principal: (String, String)] = [:]
    for issuer in texts {
      for subject in texts {
        let other = seen.updateValue((issuer, subject), forKey: principal(subject, issuer))
        #expect(other == nil, "\(issuer.debugDescription) \(subject.debugDescription)")
      }
    }
    #expect(seen.count == texts.count * texts.count)
    for text in ["issuersubject", "1\u{0}2\u{0}33", "\u{0}1\u{0}x\u{0}1\u{0}y"] {
      let cuts = (0...text.utf8.count).map { cut in
        Principal(subject: Array(text.utf8.dropFirst(cut)), of: Array(text.utf8.prefix(cut)))
      }
      #expect(Set(cuts).count == cuts.count)
    }
  }

  @Test func `a name that is believed is never what a client could show`() throws {
    // What stands before the digest of fields is a field's name, with its end.
    var fields = FieldSection()
    fields.append("Subject", "1\u{0}a")
    let shown = try #require(Principal(fields, IdentitySettings(headers: ["subject"], cookies: [])))
    for (subject, issuer) in [("a", nil), ("a", ""), ("1\u{0}a\u{0}", nil), ("", "a")] as [(String, String?)] {
      #expect(principal(subject, issuer) != shown)
    }
  }

  @Test func `a principal is kept by its bytes`() {
    let one = principal("ann", "https://id.example")
    #expect(one.bytes.count == 32 && Principal(one.bytes) == one)
    #expect(Principal(Array(one.bytes.dropLast())) == nil)
  }
}
