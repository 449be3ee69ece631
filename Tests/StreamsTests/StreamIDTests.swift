import Bytes
import Streams
import Testing

@Suite struct StreamIDTests {
  @Test func `a name is 26 letters and digits and reads back`() {
    for _ in 0..<1000 {
      let id = StreamID()
      #expect(id.text.count == 26)
      #expect(id.text.allSatisfy { (0x61...0x7A).contains($0) || (0x32...0x37).contains($0) })
      #expect(StreamID(id.text.span) == id)
      #expect("\(id)".utf8.elementsEqual(id.text))
    }
  }

  @Test func `names differ`() {
    #expect(Set((0..<10_000).map { _ in StreamID() }).count == 10_000)
  }

  @Test func `a name says where its stream lives, and nothing else of it does`() {
    for home in [0, 1, 0x00FF, 0xFF00, UInt16.max] as [UInt16] {
      let ids = (0..<100).map { _ in StreamID(home: home) }
      #expect(ids.allSatisfy { $0.home == home && StreamID($0.text.span)?.home == home })
      #expect(Set(ids).count == 100)
      // The 16 bits are all in the last four letters.
      #expect(Set(ids.map { $0.text.prefix(22) }).count == 100 && Set(ids.map { $0.text.suffix(3) }).count == 1)
    }
    #expect(Set((0..<200).map { _ in StreamID().home }).count > 100)
  }

  @Test(arguments: [
    "", "a", "aaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaa", "Aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "zaaaaaaaaaaaaaaaaaaaaaaaaa", "a1aaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaa.0",
  ]) func `what is no name is refused`(_ text: String) {
    #expect(StreamID(Array(text.utf8).span) == nil)
  }
}
