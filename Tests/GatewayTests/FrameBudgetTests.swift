import Admission
import HTTP2
import Reactor
import Settings
import Testing

@testable import Gateway

@Suite struct FrameBudgetTests {
  private var settings: HTTP2Settings {
    var settings = HTTP2Settings()
    settings.pings = Rate(count: 6, unit: .minute)
    settings.emptyFrames = Rate(count: 3, unit: .hour)
    return settings
  }

  private let start = Instant(nanoseconds: 5_000_000_000)

  private func frame(_ kind: HTTP2Frame.Kind, length: Int = 0, flags: UInt8 = 0) -> HTTP2Frame {
    HTTP2Frame(kind: kind, stream: 1, length: length, flags: flags)
  }

  @Test func `a unit's worth may come at once, and comes back with time`() {
    var budget = FrameBudget()
    let ping = frame(.ping, length: 8)
    func admits(_ seconds: Int) -> Bool {
      budget.admit(ping, isForgotten: false, of: settings, at: start + .seconds(seconds)) == nil
    }
    #expect((0..<7).map { _ in admits(0) } == [true, true, true, true, true, true, false])
    #expect(!admits(9))
    #expect(admits(10) && !admits(10))
    #expect((0..<7).map { _ in admits(1000) } == [true, true, true, true, true, true, false])
  }

  @Test func `windows are paid for by requests and by DATA that was not cut short`() {
    var budget = FrameBudget()
    func admits() -> Bool {
      budget.admit(frame(.windowUpdate, length: 4), isForgotten: false, of: settings, at: start) == nil
    }
    budget.noteRequest()
    budget.noteData(100, isCut: false)
    budget.noteData(FrameBudget.shortPayload, isCut: true)
    budget.noteData(FrameBudget.shortPayload - 1, isCut: true)
    #expect((0..<9).allSatisfy { _ in admits() }, "six are paid, three may come for nothing")
    #expect(!admits())
  }

  @Test func `answers and frames that carry something cost nothing`() {
    var budget = FrameBudget()
    for _ in 0..<1000 {
      for useful in [
        frame(.ping, length: 8, flags: 1), frame(.settings, flags: 1), frame(.data, length: 1), frame(.data, flags: 1),
        frame(.headers, length: 5), frame(.continuation, length: 5),
      ] {
        #expect(budget.admit(useful, isForgotten: false, of: settings, at: start) == nil)
      }
    }
  }

  @Test func `whatever comes for a stream that has ended counts`() {
    for kind in [HTTP2Frame.Kind.data, .headers, .windowUpdate] {
      var budget = FrameBudget()
      func admit() -> HTTP2Bound? {
        budget.admit(frame(kind, length: 5), isForgotten: true, of: settings, at: start)
      }
      #expect((0..<3).allSatisfy { _ in admit() == nil })
      #expect(admit() == .emptyFrames)
    }
  }
}
