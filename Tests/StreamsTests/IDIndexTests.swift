import Streams
import Support
import Testing

@Suite struct IDIndexTests {
  private func id(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// An index of a log from 1 on, with these ids.
  private func index(_ ids: String?...) -> IDIndex {
    var index = IDIndex()
    for text in ids { index.append(text.map(id)) }
    return index
  }

  @Test func `an id is found where it was noted, and nowhere else`() {
    let index = index("a", nil, "b", "c", nil)
    for (text, sequence) in [("a", 1), ("b", 3), ("c", 4)] as [(String, UInt64)] {
      #expect(index.newest(with: id(text)) { $0 == sequence } == sequence)
    }
    #expect(index.newest(with: id("d")) { _ in false } == nil)
    #expect(IDIndex().newest(with: id("a")) { _ in true } == nil)
  }

  @Test func `an event without an id is never asked about`() {
    var asked: [UInt64] = []
    let found = index(nil, "a", nil, nil).newest(with: id("a")) { sequence in
      asked.append(sequence)
      return false
    }
    #expect(found == nil && asked == [2])
  }

  @Test func `the newest of equal ids wins, and the one before where that is not right`() {
    let index = index("a", "b", "a", "a", nil)
    #expect(index.newest(with: id("a")) { _ in true } == 4)
    var asked: [UInt64] = []
    let older = index.newest(with: id("a")) { sequence in
      asked.append(sequence)
      return sequence == 1
    }
    #expect(older == 1 && asked == [4, 3, 1])
  }

  @Test(arguments: [1, 2, 1000, UInt64(1) << 40]) func `an index begins with the log's first event`(first: UInt64) {
    var index = IDIndex(first: first)
    #expect(index.newest(with: id("a")) { _ in true } == nil)
    for text in ["a", nil, "b"] { index.append(text.map(id)) }
    #expect(index.newest(with: id("a")) { _ in true } == first)
    #expect(index.newest(with: id("b")) { _ in true } == first + 2)
    #expect((0..<3).map { index.hasID(first + $0) } == [true, false, true])
    // What was before its first event is nothing to forget.
    index.forget(before: first)
    #expect(index.newest(with: id("a")) { _ in true } == first)
    index.forget(before: first + 1)
    #expect(index.newest(with: id("a")) { _ in true } == nil && index.hasID(first + 2) && !index.hasID(first + 1))
  }

  @Test func `an empty id is an id`() {
    #expect(index("a", "", nil).newest(with: []) { _ in true } == 2)
    #expect(index("a", nil).newest(with: []) { _ in true } == nil)
  }

  @Test func `what was forgotten is not found, and what comes later has the sequences of the log`() {
    var index = index("a", "b", "c")
    index.forget(before: 3)
    #expect(index.newest(with: id("b")) { _ in true } == nil)
    #expect(index.newest(with: id("c")) { _ in true } == 3)
    index.append(id("b"))
    #expect(index.newest(with: id("b")) { _ in true } == 4)
    // To forget again what is gone already changes nothing.
    index.forget(before: 1)
    index.forget(before: 3)
    #expect(index.newest(with: id("c")) { _ in true } == 3)
    index.forget(before: 5)
    #expect(index.newest(with: id("b")) { _ in true } == nil)
    index.append(id("b"))
    #expect(index.newest(with: id("b")) { _ in true } == 5)
  }

  @Test func `among so many ids that hashes collide the right one is told by who asks`() {
    // 200 000 ids have about five pairs with the same 32 bits.
    let count: UInt64 = 200_000
    var index = IDIndex()
    for number in 1...count { index.append(id("\(number)")) }
    var asked = 0
    for number in stride(from: 1, through: count, by: 5000) {
      let found = index.newest(with: id("\(number)")) { sequence in
        asked += 1
        return sequence == number
      }
      #expect(found == number)
    }
    // That another candidate comes up twice for one of 40 ids is less likely than a broken disk.
    #expect((40...42).contains(asked))
  }

  /// A model that keeps everything as it is.
  private struct Model {
    var ids: [[UInt8]?] = []
    var oldest: UInt64 = 1

    func newest(with id: [UInt8], where isRight: (UInt64) -> Bool) -> UInt64? {
      ids.indices.reversed().map { UInt64($0) + 1 }.first { $0 >= oldest && ids[Int($0) - 1] == id && isRight($0) }
    }
  }

  @Test(arguments: 1...200) func `over any history it finds what a list of all ids would`(seed: UInt64) {
    var random = SplitMix(seed)
    var (index, model) = (IDIndex(), Model())
    let (variety, window) = (1 + random.next() % 40, 1 + random.next() % 150)
    for _ in 0..<600 {
      switch random.next() % 8 {
      case 0...4:
        let id = random.next() % 5 == 0 ? nil : self.id("id \(random.next() % variety)")
        index.append(id)
        model.ids.append(id)
      case 5:
        // As the log's trim does: the oldest that is kept, up to one behind the newest.
        let behind = UInt64(model.ids.count) + 1
        let oldest = max(model.oldest, behind - min(behind - 1, random.next() % window))
        index.forget(before: oldest)
        model.oldest = oldest
      default:
        let wanted = self.id("id \(random.next() % variety)")
        let (modulus, salt) = (1 + random.next() % 3, random.next() % 3)
        let isRight = { (sequence: UInt64) in sequence % modulus == salt % modulus }
        let found = index.newest(with: wanted) { model.ids[Int($0) - 1] == wanted && isRight($0) }
        #expect(found == model.newest(with: wanted, where: isRight))
      }
    }
  }
}
