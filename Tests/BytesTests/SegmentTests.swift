import Bytes
import Testing

@Suite struct SegmentTests {
  private func lent(_ segment: Segment) -> [UInt8] {
    var bytes: [UInt8] = []
    segment.lend { bytes.append($0) }
    return bytes
  }

  @Test func `what was appended is lent, and no more than that`() {
    let segment = Segment(capacityBytes: 10)
    #expect(lent(segment) == [])
    #expect(segment.append([1, 2, 3].span) == 3)
    #expect(lent(segment) == [1, 2, 3])
    #expect(segment.append([4].span) == 1)
    #expect(segment.append([UInt8]().span) == 0)
    #expect(lent(segment) == [1, 2, 3, 4] && segment.count == 4)
  }

  @Test func `what does not fit is left to the next segment`() {
    let segment = Segment(capacityBytes: 4)
    #expect(segment.append([1, 2, 3].span) == 3)
    #expect(segment.append([4, 5, 6].span) == 1)
    #expect(segment.append([7].span) == 0)
    #expect(lent(segment) == [1, 2, 3, 4] && segment.count == segment.capacityBytes)
  }

  @Test func `a segment without room lends nothing`() {
    let segment = Segment(capacityBytes: 0)
    #expect(segment.append([1].span) == 0)
    var calls = 0
    segment.lend { bytes in
      calls += 1
      let isEmpty = bytes.isEmpty
      #expect(isEmpty)
    }
    #expect(calls == 1)
  }

  @Test func `bytes do not move while more are appended`() {
    let segment = Segment(capacityBytes: 100_000)
    _ = segment.append([UInt8](repeating: 1, count: 10).span)
    let before = unsafe segment.bytes(from: 0).baseAddress
    _ = segment.append([UInt8](repeating: 2, count: 90_000).span)
    #expect(unsafe segment.bytes(from: 0).baseAddress == before)
    #expect(lent(segment) == [UInt8](repeating: 1, count: 10) + [UInt8](repeating: 2, count: 90_000))
  }
}
