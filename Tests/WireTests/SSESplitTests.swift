import Bytes
import Support
import Testing
import Wire

@Suite struct SSESplitTests {
  static let samples = [
    "\u{FEFF}id: 1\r\nevent: routing_start\r\ndata: {\"a\": 1}\r\n\r\n: ping\r\n\r\ndata: x\r\n\r\n",
    "retry: 300\nid: run.0\n\ndata: one\ndata: two\n\n:c\n\ndata:\u{20AC}\u{1F600}\u{E9}\n\n"
      + "event: completed\ndata: {}\n\n",
    "data: a\r\rdata: b\r\ndata\r\n\r\n\r\rid\n\rdata: c\n\n\r\n\rdata\r\r\ndata: d\n",
    "\n\n\r\r\r\n\r\n\n\rdata: x\n\r",
    "event: a\nid: b\0\ndata: [DONE]\n\n\u{FEFF}data: y\n\nid: \u{FEFF}\ndata\n\n",
  ]

  @Test(arguments: samples)
  func `a stream gives the same events however it is cut`(text: String) throws {
    let bytes = Array(text.utf8)
    let expected = StandardReading(bytes)
    #expect(!expected.events.isEmpty)
    for first in 0...bytes.count {
      for second in stride(from: first, through: bytes.count, by: 3) {
        let decoded = try decodeStream(bytes, cuts: [first, second])
        #expect(decoded.events == expected.events)
        #expect(decoded.retry == expected.retry)
      }
    }
    #expect(try decodeStream(bytes, cuts: Array(0..<bytes.count)).events == expected.events)
  }

  @Test func `a stream that is cut within a character is read as the standard wants it`() throws {
    let bytes =
      [0xEF, 0xBB, 0xBF] + Array("data: ".utf8) + [0xE2, 0x82, 0xF0, 0x9F, 0x98, 0x80, 0xC3] + Array("\n\n".utf8)
    let expected = StandardReading(bytes)
    for cut in 0...bytes.count { #expect(try decodeStream(bytes, cuts: [cut]).events == expected.events) }
  }

  @Test(arguments: 0..<40)
  func `random streams are read as the standard wants them`(seed: UInt64) throws {
    var random = SplitMix(seed)
    let pieces: [[UInt8]] =
      [
        "data", "event", "id", "retry", ":", ": ", " ", "\n", "\r", "\r\n", "\n\n", "\0", "x", "12", "\u{FEFF}",
        "\u{20AC}",
      ]
      .map { Array($0.utf8) } + [[0xFF], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xED, 0xA0, 0x80], [0x80]]
    for _ in 0..<100 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...60, using: &random) { bytes += pieces.randomElement(using: &random) ?? [] }
      let expected = StandardReading(bytes)
      var cuts = (0..<4).map { _ in Int.random(in: 0...bytes.count, using: &random) }
      cuts.sort()
      let decoded = try decodeStream(bytes, cuts: cuts)
      #expect(decoded.events == expected.events, "\(bytes)")
      #expect(decoded.retry == expected.retry, "\(bytes)")
      #expect(decoded.sawAnyField == expected.sawAnyField, "\(bytes)")
    }
  }
}
