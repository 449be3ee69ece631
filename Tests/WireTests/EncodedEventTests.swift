import Bytes
import Support
import Testing
import Wire

@Suite struct EncodedEventTests {
  private func parts(_ text: String) -> [String]? {
    let bytes = Array(text.utf8)
    return EncodedEvent(bytes.span).map { parts in
      [parts.type, parts.data].map { String(decoding: bytes[$0], as: UTF8.self) } + ["\(parts.isOneLine)"]
    }
  }

  @Test(arguments: [
    ("event: a\ndata: b\nid: r.1\n\n", ["a", "b", "true"]), ("data: b\nid: r.1\n\n", ["", "b", "true"]),
    ("data: \n\n", ["", "", "true"]), ("data: a\ndata: b\nid: \n\n", ["", "a\ndata: b", "false"]),
    ("data: id: 5\n\n", ["", "id: 5", "true"]), ("data: data: 5\ndata: \nid: x\n\n", ["", "data: 5\ndata: ", "false"]),
  ]) func `the parts of what we write`(_ text: String, _ expected: [String]) {
    #expect(parts(text) == expected)
  }

  @Test(arguments: [
    "", "\n", "event: a\n\n", "data: a", "data: a\n", "data:a\n\n", "data: a\n\nx", ": hb\n", "id: 1\n\n",
  ])
  func `what we have not written has none`(_ text: String) {
    #expect(parts(text) == nil)
  }

  @Test(arguments: 1...50) func `every encoded event has its parts`(seed: UInt64) {
    var random = SplitMix(seed)
    let alphabet = Array("ab: \n\r{\"\0".utf8)
    func text(_ count: UInt64) -> [UInt8] {
      (0..<random.next() % count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
    }
    for _ in 0..<50 {
      let (type, data, id) = (text(5), text(20), text(5))
      var encoded: [UInt8] = []
      SSEEncoder.append(id: random.next() % 3 == 0 ? nil : id, type: type.span, data: data.span, to: &encoded)
      guard let parts = EncodedEvent(encoded.span) else {
        Issue.record("\(encoded)")
        continue
      }
      #expect(Array(encoded[parts.type]) == Array(type.prefix { ![0, 10, 13].contains($0) }))
      let lines = String(decoding: encoded[parts.data], as: UTF8.self).replacing("\ndata: ", with: "\n")
      let expected = String(decoding: data, as: UTF8.self).replacing("\r\n", with: "\n").unicodeScalars
        .map { $0 == "\r" ? "\n" : String($0) }.joined()
      #expect(lines == expected && parts.isOneLine == !expected.contains("\n"))
    }
  }
}
