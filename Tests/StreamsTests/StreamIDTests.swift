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

  @Test(arguments: [
    "", "a", "aaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaa", "Aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "zaaaaaaaaaaaaaaaaaaaaaaaaa", "a1aaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaa.0",
  ]) func `what is no name is refused`(_ text: String) {
    #expect(StreamID(Array(text.utf8).span) == nil)
  }
}
