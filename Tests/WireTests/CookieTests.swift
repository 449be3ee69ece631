import Bytes
import Support
import Testing
import Wire

@Suite struct CookiePairTests {
  private func pairs(_ text: String) -> [String] {
    pairs(Array(text.utf8))
  }

  private func pairs(_ bytes: [UInt8]) -> [String] {
    var pairs = CookiePairs()
    var words: [String] = []
    while let pair = pairs.next(in: bytes.span) {
      let name = String(decoding: bytes[pair.nameRange], as: UTF8.self)
      #expect(bytes[pair.range].starts(with: Array("\(name)=".utf8)))
      words.append(String(decoding: bytes[pair.range], as: UTF8.self))
    }
    return words
  }

  @Test(arguments: [
    ("a=b", ["a=b"]),
    ("a=b; c=d", ["a=b", "c=d"]),
    ("a=b;c=d;", ["a=b", "c=d"]),
    ("  a=b ;\t c=d ", ["a=b", "c=d"]),
    ("a=b; a=c", ["a=b", "a=c"]),
    ("a=", ["a="]),
    ("a==", ["a=="]),
    ("a=b=c", ["a=b=c"]),
    ("a=\"b c\"", ["a=\"b c\""]),
    ("a=\"\"", ["a=\"\""]),
    ("a={\"b\":1,\"c\":[2]}", ["a={\"b\":1,\"c\":[2]}"]),
    ("a=b c, d", ["a=b c, d"]),
    ("a=ü", ["a=ü"]),
    ("__Host-a=b; __Secure-c=d", ["__Host-a=b", "__Secure-c=d"]),
    ("$Version=1; a=b", ["$Version=1", "a=b"]),
  ])
  func `pairs are separated by semicolons`(text: String, expected: [String]) {
    #expect(pairs(text) == expected)
  }

  @Test(arguments: [
    "", ";", " ; ;", "a", "=b", "a b=c", "a =b", " =b", "ä=b", "a\"=b", "a,b=c", "a[0]=b", "a=b\u{1}", "a=\u{7F}",
    "a=\"", "a=\"b", "a=\"b\"c", "a=\"b\"c\"",
  ])
  func `what is no pair is passed over`(text: String) {
    #expect(pairs(text) == [])
    #expect(pairs("x=1;" + text + "; y=2") == ["x=1", "y=2"])
  }

  @Test func `a quote does not hold pairs together`() {
    // Some servers would take everything up to the second quote for the value of a.
    #expect(pairs("a=\"x; session=1; c=y\"") == ["session=1", "c=y\""])
  }

  @Test(arguments: [
    ("a=b", "a"), ("a=b; Path=/", "a"), ("a=; Max-Age=0", "a"), (" a = b ; Secure", "a"), ("__Host-a=b=c", "__Host-a"),
    ("a=\"b;c\"", "a"), ("a={\"b\":\t1}; HttpOnly", "a"), ("a=ü", "a"),
  ])
  func `a cookie that is set has a name`(text: String, name: String) {
    let bytes = Array(text.utf8)
    #expect(SetCookie.nameRange(in: bytes.span).map { String(decoding: bytes[$0], as: UTF8.self) } == name)
  }

  @Test(arguments: [
    "", "=b", " =b", "a", "a; b=c", ";a=b", "a b=c", "ä=b", "a,b=c", "a=b\u{0}", "a=b\n", "a=b; Path=/\u{1F}",
    "\u{7F}a=b",
    "a=b; c=\u{7F}",
  ])
  func `a cookie without a proper name, or with control characters, has none`(text: String) {
    #expect(SetCookie.nameRange(in: Array(text.utf8).span) == nil)
  }

  @Test func `no field traps`() {
    var random = SplitMix(4)
    let letters = Array("ab=;;\"\" \t,ü".utf8)
    for _ in 0..<20_000 {
      let value = (0..<Int.random(in: 0...30, using: &random)).map { _ in letters.randomElement(using: &random) ?? 0 }
      #expect(pairs(value).count <= value.count { $0 == UInt8(ascii: ";") } + 1)
      if let name = SetCookie.nameRange(in: value.span) { #expect(!name.isEmpty) }
    }
  }
}
