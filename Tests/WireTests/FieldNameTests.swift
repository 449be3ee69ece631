import Bytes
import Testing
import Wire

@Suite struct FieldNameTests {
  private func name(of bytes: [UInt8]) -> FieldName {
    FieldName(bytes.span)
  }

  @Test(arguments: FieldName.allCases.filter { $0 != .other })
  func `a name is recognised in any case and in no other spelling`(expected: FieldName) {
    let lower = expected.spelling.withUTF8Buffer { Array($0) }
    #expect(name(of: lower) == expected)
    #expect(name(of: Array(lower.text.uppercased().utf8)) == expected)
    #expect(name(of: lower + [0x61]) != expected)
    #expect(name(of: lower.dropLast()) != expected)
    for place in lower.indices {
      for byte in [UInt8(0x20), 0x0D, 0x5F, 0x7A, 0xFF, lower[place] & 0xDF & ~0x40, lower[place] | 0x80] {
        var changed = lower
        changed[place] = byte
        let isSame = changed.text.lowercased() == lower.text
        #expect((name(of: changed) == expected) == isSame, "\(changed)")
      }
    }
  }

  @Test(arguments: [
    "", "x", "hos", "hosts", "x-accel-buffering", "sec-fetch-dest", "content-lengths", "accept-language",
  ])
  func `a name that is none of ours is other`(text: String) {
    #expect(name(of: Array(text.utf8)) == .other)
  }

  @Test func `the fields of RFC 9110 section 7_6_1 stay on their connection`() {
    let hopByHop = FieldName.allCases.filter(\.isHopByHop)
    #expect(
      Set(hopByHop) == [
        .connection, .keepAlive, .proxyConnection, .proxyAuthorization, .proxyAuthenticate, .te, .trailer,
        .transferEncoding, .upgrade,
      ])
  }
}
