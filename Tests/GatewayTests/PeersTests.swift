import Reactor
import Streams
import Testing

@testable import Gateway

@Suite struct PeersTests {
  private func peers(_ count: Int) throws -> Peers {
    // Nobody gets anything here: which mailbox is whose does not matter.
    Peers(Array(repeating: try Mailbox<WorkerMessage>(), count: count))
  }

  @Test(arguments: 1...64) func `a name that is made for a worker leads to it`(count: Int) throws {
    let peers = try peers(count)
    for place in 0..<count {
      for _ in 0..<20 {
        let id = StreamID(home: peers.bits(for: place))
        #expect(peers.home(of: id.home) == place)
        // Also after it was a text in a client's hands.
        #expect(StreamID(id.text.span).map { peers.home(of: $0.home) } == place)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 4, 7, 64]) func `every name leads to a worker that there is`(count: Int) throws {
    let peers = try peers(count)
    var names = [Int](repeating: 0, count: count)
    for bits in UInt16.min...UInt16.max { names[peers.home(of: bits)] += 1 }
    #expect(names.max().map { $0 - (names.min() ?? 0) <= 1 } == true, "all have as many, but for the rest")
  }

  @Test func `the bits for a worker are spread over all that lead to it`() throws {
    let peers = try peers(64)
    let bits = Set((0..<2000).map { _ in peers.bits(for: 63) })
    #expect(bits.count > 800 && bits.allSatisfy { $0 % 64 == 63 })
    #expect(bits.contains { $0 > 60_000 } && bits.contains { $0 < 5000 })
  }
}
