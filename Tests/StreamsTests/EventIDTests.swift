import Bytes
import Streams
import Testing

@Suite struct EventIDTests {
  private static let stream = StreamID()

  private func parse(_ text: String) -> EventID? { EventID(Array(text.utf8).span) }

  @Test(arguments: [0, 1, 9, 10, 4_294_967_296, UInt64.max]) func `an id reads back`(_ sequence: UInt64) throws {
    let id = try #require(parse("\(Self.stream).\(sequence)"))
    #expect(id.stream == Self.stream && id.sequence == sequence)
  }

  @Test func `the place behind the last event reads back`() {
    #expect(parse("\(Self.stream).end")?.sequence == EventID.endOfRun)
    for text in ["ends", "enD", "en", "1end"] { #expect(parse("\(Self.stream).\(text)") == nil) }
  }

  @Test(arguments: [
    "", ".", ".1x", ".01", ".00", ".18446744073709551616", ".999999999999999999999", ":1", ".-1", ".1 ",
  ])
  func `what no stream gives out is none`(_ rest: String) {
    #expect(parse("\(Self.stream)\(rest)") == nil)
    #expect(parse(rest) == nil)
  }
}
