import Bytes
import Streams
import Testing

@Suite struct EventIDTests {
  private static let run = StreamID()

  private func parse(_ text: String) -> EventID? { EventID(Array(text.utf8).span) }

  @Test(arguments: [0, 1, 9, 10, 4_294_967_296, UInt64.max]) func `an id reads back`(_ sequence: UInt64) throws {
    let id = try #require(parse("\(Self.run).\(sequence)"))
    #expect(id.stream == Self.run && id.sequence == sequence)
  }

  @Test(arguments: [
    "", ".", ".1x", ".01", ".00", ".18446744073709551616", ".999999999999999999999", ":1", ".-1", ".1 ",
  ])
  func `what no run gives out is none`(_ rest: String) {
    #expect(parse("\(Self.run)\(rest)") == nil)
    #expect(parse(rest) == nil)
  }
}
