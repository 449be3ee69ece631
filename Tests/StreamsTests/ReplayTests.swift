import Bytes
import Streams
import Support
import Testing

@Suite struct ReplayTests {
  @Test(arguments: [
    (0, 1, 0, false, Replay.follow(after: 0)), (5, 1, 9, false, .follow(after: 5)), (9, 1, 9, false, .follow(after: 9)),
    (9, 1, 9, true, .nothingLeft), (8, 1, 9, true, .follow(after: 8)), (0, 4, 9, false, .gap(from: 1, to: 3)),
    (2, 4, 9, true, .gap(from: 3, to: 3)), (3, 4, 9, true, .follow(after: 3)), (10, 1, 9, false, .impossible),
    (0, 10, 9, false, .gap(from: 1, to: 9)),
  ]) func `every place has its answer`(
    seen: Int, oldest: Int, newest: Int, isFinished: Bool, expected: Replay
  ) {
    let answer = Replay.decide(
      seen: UInt64(seen), oldest: UInt64(oldest), newest: UInt64(newest), isFinished: isFinished)
    #expect(answer == expected)
  }

  /// A reader that is cut at any event, any number of times, and comes back with the last event it has.
  @Test(arguments: 1...300) func `over any history a reader gets every event once, in order, or is told which it lost`(
    seed: UInt64
  ) {
    var random = SplitMix(seed)
    let total = 1 + random.next() % 60
    let bounds = LogBounds(
      bytes: 40 + Int(random.next() % 2000), events: 1 + Int(random.next() % 40),
      ageMilliseconds: random.next() % 2 == 0 ? 1_000_000 : 1 + random.next() % 50)
    let log = EventLog()
    var seen: UInt64 = 0
    var got: [UInt64] = []
    var clock: UInt64 = 0
    while seen < total {
      clock += random.next() % 20
      for _ in 0..<(random.next() % 8) where log.newest < total {
        log.append(event: Self.event(log.newest + 1).span, at: clock)
      }
      log.trim(to: bounds, at: clock)
      log.release(before: log.end)
      let isFinished = log.newest == total
      switch Replay.decide(seen: seen, oldest: log.oldest, newest: log.newest, isFinished: isFinished) {
      case .follow(let after):
        #expect(after == seen)
      case .gap(let from, let to):
        #expect(from == seen + 1)
        got += Array(from...to)
        seen = to
      case .nothingLeft, .impossible:
        Issue.record("a reader that lacks events is never sent away")
        return
      }
      // It reads some events of what there is, whole ones, and is cut again.
      let events = Self.numbers(in: log, after: seen)
      let taken = events.prefix(Int(random.next() % 12))
      got += taken
      seen = taken.last ?? seen
    }
    #expect(got == Array(1...total))
  }

  /// An event of a length that depends on its number, so that places can't be guessed.
  private static func event(_ number: UInt64) -> [UInt8] {
    Array("\(number)".utf8) + [UInt8](repeating: 0x2E, count: Int(number * 7 % 50)) + [0x0A]
  }

  private static func numbers(in log: EventLog, after seen: UInt64) -> [UInt64] {
    var bytes: [UInt8] = []
    log.lend(from: log.cursor(after: seen)) { segment, position in
      unsafe bytes.append(contentsOf: segment.bytes(from: position))
      return true
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      UInt64(line.prefix { $0 != "." })
    }
  }
}
