import Bytes
import Support
import Testing
import Wire

@Suite struct SSEEncoderTests {
  private func encode(_ type: [UInt8], _ data: [UInt8], prefix: String = "run", sequence: UInt64 = 7) -> [UInt8] {
    var output: [UInt8] = []
    SSEEncoder.append(
      idPrefix: Array(prefix.utf8).span, sequence: sequence, type: type.span, data: data.span, to: &output)
    return output
  }

  private func encode(_ type: String, _ data: String, prefix: String = "run") -> String {
    encode(Array(type.utf8), Array(data.utf8), prefix: prefix).text
  }

  @Test func `an event has an id and a type and data and a blank line`() {
    #expect(encode("add", "x") == "event: add\ndata: x\nid: run.7\n\n")
    #expect(encode("", "x") == "data: x\nid: run.7\n\n")
    #expect(encode("", "") == "data: \nid: run.7\n\n")
  }

  @Test func `every line end in data begins another line`() {
    #expect(
      encode("", "a\nb\rc\r\nd\n\re\r\r\n")
        == "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\ndata: \ndata: \nid: run.7\n\n")
  }

  @Test(arguments: ["\n", "\r", "\0", "\r\ndata: evil\n\n"])
  func `a type or an id is cut where its line would end`(end: String) {
    #expect(encode("ab\(end)c", "x", prefix: "ru\(end)n") == "event: ab\ndata: x\nid: ru.7\n\n")
    #expect(encode("\(end)c", "x") == "data: x\nid: run.7\n\n")
    var output: [UInt8] = []
    let empty: [UInt8] = []
    SSEEncoder.append(id: Array("1\(end)2".utf8), type: empty.span, data: empty.span, to: &output)
    #expect(output.text == "data: \nid: 1\n\n")
  }

  @Test func `other control characters stay in a type`() {
    #expect(encode("a\tb\u{1}", "x") == "event: a\tb\u{1}\ndata: x\nid: run.7\n\n")
  }

  @Test func `an event may have no id at all`() {
    var output: [UInt8] = []
    SSEEncoder.append(id: nil, type: Array("t".utf8).span, data: Array("d".utf8).span, to: &output)
    #expect(output.text == "event: t\ndata: d\n\n")
  }

  @Test func `priming sets the reconnection time and the id and fires nothing`() throws {
    var output: [UInt8] = []
    SSEEncoder.appendPriming(
      retryMilliseconds: 2000, idPrefix: Array("run".utf8).span, sequence: 0, to: &output)
    #expect(output.text == "retry: 2000\nid: run.0\n\n")
    output.append(SSEEncoder.heartbeat)
    output += Array("data: x\n\n".utf8)
    let decoded = try decodeStream(output)
    #expect(decoded.retry == 2000)
    #expect(decoded.events == [StandardReading.Event(data: "x", id: "run.0")])
  }

  @Test(arguments: 0..<20)
  func `what is encoded is decoded again`(seed: UInt64) throws {
    var random = SplitMix(seed)
    let alphabet = Array("ab :\n\r\t{}\"\u{E9}\u{20AC}\u{1F600}\u{FEFF}\0".unicodeScalars)
    func text(_ count: Int) -> String {
      var scalars = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...count, using: &random) {
        scalars.append(alphabet.randomElement(using: &random) ?? " ")
      }
      return String(scalars)
    }
    var output: [UInt8] = []
    var expected: [StandardReading.Event] = []
    for sequence in 0..<50 {
      let type = text(5)
      let data = text(60)
      output += encode(Array(type.utf8), Array(data.utf8), sequence: UInt64(sequence))
      let kept = type.unicodeScalars.prefix { !"\n\r\0".unicodeScalars.contains($0) }
      expected.append(
        StandardReading.Event(
          type: String(kept), data: Self.normalized(data), id: "run.\(sequence)", hasID: true))
    }
    #expect(try decodeStream(output).events == expected)
  }

  /// Text with every line end as a line feed.
  private static func normalized(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    var followsReturn = false
    for scalar in text.unicodeScalars {
      if scalar != "\n" || !followsReturn { scalars.append(scalar == "\r" ? "\n" : scalar) }
      followsReturn = scalar == "\r"
    }
    return String(scalars)
  }
}
