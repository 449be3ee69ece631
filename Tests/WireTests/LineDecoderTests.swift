import Bytes
import Testing
import Wire

@Suite struct LineDecoderTests {
  private func decode(
    _ bytes: [UInt8], cuts: [Int] = [], maxEventBytes: Int = 1000
  ) throws(StreamViolation) -> [String] {
    var decoder = LineDecoder(maxEventBytes: maxEventBytes)
    var lines: [String] = []
    var start = 0
    for end in cuts + [bytes.count] {
      let input = Array(bytes[start..<end])
      var offset = 0
      while try decoder.next(in: input.span, at: &offset) { lines.append(decoder.event.data.text) }
      #expect(offset == input.count)
      start = end
    }
    if decoder.finish() { lines.append(decoder.event.data.text) }
    #expect(decoder.event.type.isEmpty && decoder.event.id.isEmpty && !decoder.event.hasID)
    return lines
  }

  static let samples: [(String, [String])] = [
    ("{\"a\":1}\n{\"a\":2}\n", ["{\"a\":1}", "{\"a\":2}"]),
    ("{\"a\":1}\r\n\r\n\n  \n\t\r\n{\"a\":2}", ["{\"a\":1}", "{\"a\":2}"]),
    ("a\rb\n", ["a\rb"]),
    ("\u{FEFF}a\n\u{FEFF}b\n", ["a", "\u{FEFF}b"]),
    ("\u{FEFF}", []),
    (" a \n", [" a "]),
    ("a\r", ["a"]),
    ("", []),
    ("\n", []),
    ("\u{20AC}\n\u{1F600}", ["\u{20AC}", "\u{1F600}"]),
  ]

  @Test(arguments: samples)
  func `lines are the same however they are cut`(text: String, lines: [String]) throws {
    let bytes = Array(text.utf8)
    for first in 0...bytes.count {
      for second in first...bytes.count { #expect(try decode(bytes, cuts: [first, second]) == lines) }
    }
    #expect(try decode(bytes, cuts: Array(0..<bytes.count)) == lines)
  }

  @Test func `invalid UTF-8 is replaced`() throws {
    #expect(try decode([0x61, 0xFF, 0x0A, 0xE2, 0x82]) == ["a\u{FFFD}", "\u{FFFD}"])
  }

  @Test func `a line of exactly the allowed bytes passes and one more is refused`() throws {
    let bytes = Array("12345\r\n1234\n".utf8)
    for cut in 0...bytes.count {
      #expect(try decode(bytes, cuts: [cut], maxEventBytes: 5) == ["12345", "1234"])
      #expect(throws: StreamViolation.eventTooLarge(givenAtLeast: 5, allowed: 4)) {
        try decode(bytes, cuts: [cut], maxEventBytes: 4)
      }
    }
  }

  @Test func `a line that grows beyond its bound by being repaired is refused`() throws {
    #expect(throws: StreamViolation.eventTooLarge(givenAtLeast: 6, allowed: 5)) {
      try decode([0xFF, 0xFF, 0x0A], maxEventBytes: 5)
    }
    #expect(try decode([0xFF, 0xFF], maxEventBytes: 5) == [])
    #expect(try decode([0xFF, 0xFF], maxEventBytes: 6).count == 1)
  }

  @Test func `a stream that has ended has nothing more to give`() throws {
    var decoder = LineDecoder(maxEventBytes: 10)
    var offset = 0
    let isLine = try decoder.next(in: Array("a".utf8).span, at: &offset)
    #expect(!isLine)
    let isLast = decoder.finish()
    #expect(isLast && decoder.event.data.text == "a")
    let isAnother = decoder.finish()
    #expect(!isAnother)
  }
}
