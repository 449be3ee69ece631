import Bytes
import Support
import Testing

@testable import Gateway

/// Plays a connection that takes as many bytes as it likes of each write, and keeps what it took.
private struct Wire {
  var framing: ChunkFraming
  var sent: [UInt8] = []
  var payload: [UInt8]
  var cursor = 0

  mutating func write(lending limit: Int, accepting budget: Int, isFinal: Bool) {
    let lent = min(limit, payload.count - cursor)
    let plan = framing.plan(lent: lent, isAll: lent == payload.count - cursor, isFinal: isFinal)
    #expect(plan.promised + plan.payload <= lent)
    var bytes = framing.unsent
    bytes += payload[cursor..<cursor + plan.promised]
    bytes += copy(plan.between)
    bytes += payload[cursor + plan.promised..<cursor + plan.promised + plan.payload]
    bytes += copy(plan.after)
    let taken = min(budget, bytes.count)
    sent += bytes[..<taken]
    cursor += framing.advance(taken, of: plan)
  }

  private func copy(_ framing: ChunkFraming.Framing) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(framing.bytes.span.extracting(0..<framing.count))
    return bytes
  }
}

@Suite struct ChunkFramingTests {
  private let head = Array("HEAD".utf8)

  @Test(arguments: 1...200) func `any partial writes give one well-formed body`(seed: UInt64) throws {
    var random = SplitMix(seed)
    let payload = (0..<Int(random.next() % 3000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var wire = Wire(framing: ChunkFraming(isChunked: true, after: head), payload: [])
    wire.framing.insert([UInt8](repeating: 0x70, count: 5).span)
    while !wire.framing.isEnded || !wire.framing.unsent.isEmpty {
      let grown = min(payload.count, wire.payload.count + Int(random.next() % 400))
      wire.payload = Array(payload[..<grown])
      wire.write(
        lending: 1 + Int(random.next() % 500), accepting: Int(random.next() % 120), isFinal: grown == payload.count)
    }
    #expect(wire.cursor == payload.count)
    #expect(wire.sent.starts(with: head))
    let isWhole = ChunkedBody.decode(wire.sent[head.count...]) == [UInt8](repeating: 0x70, count: 5) + payload
    #expect(isWhole)
  }

  @Test func `without chunks the payload goes as it is`() {
    var wire = Wire(framing: ChunkFraming(isChunked: false, after: head), payload: Array("abcdef".utf8))
    wire.write(lending: 3, accepting: 6, isFinal: true)
    #expect(!wire.framing.isEnded)
    wire.write(lending: 100, accepting: 100, isFinal: true)
    #expect(wire.framing.isEnded)
    #expect(wire.sent == Array("HEADabcdef".utf8))
  }

  @Test func `one write carries an event with its framing`() {
    var wire = Wire(framing: ChunkFraming(isChunked: true, after: []), payload: Array("data: x\n\n".utf8))
    wire.write(lending: 100, accepting: 100, isFinal: true)
    #expect(String(decoding: wire.sent, as: UTF8.self) == "9\r\ndata: x\n\n\r\n0\r\n\r\n")
  }

  @Test func `a comment fits only between chunks`() {
    var wire = Wire(framing: ChunkFraming(isChunked: true, after: []), payload: Array("abcdef".utf8))
    #expect(wire.framing.isAtBoundary)
    wire.write(lending: 100, accepting: 5, isFinal: false)
    #expect(!wire.framing.isAtBoundary)
    wire.write(lending: 100, accepting: 100, isFinal: false)
    #expect(wire.framing.isAtBoundary)
  }
}
