import Bytes
import Support
import Testing
import Wire

@Suite struct RequestSplitTests {
  @Test(arguments: Requests.all)
  func `a head is the same however it is cut`(text: String) throws {
    let bytes = Array(text.utf8) + Array("rest".utf8)
    let whole = readRequest(bytes)
    for cut in 0...bytes.count { #expect(readRequest(bytes, endingAt: [cut]) == whole) }
    #expect(readRequest(bytes, endingAt: Array(0..<bytes.count)) == whole)
  }

  @Test(arguments: MalformedRequests.all)
  func `a defect is the same however the head is cut`(malformed: MalformedRequest) throws {
    let whole = readRequest(malformed.bytes)
    for cut in 0...malformed.bytes.count { #expect(readRequest(malformed.bytes, endingAt: [cut]) == whole) }
    #expect(readRequest(malformed.bytes, endingAt: Array(0..<malformed.bytes.count)) == whole)
  }

  @Test func `a head with any byte replaced is read the same however it is cut`() throws {
    var random = SplitMix(1)
    let bytes = Array(Requests.chunked.utf8)
    for place in bytes.indices {
      for replacement in Array("\0\t\n\r :/%.@[]a\u{7F}".utf8) + [0xFF] {
        var changed = bytes
        changed[place] = replacement
        let cuts = [Int.random(in: 0...bytes.count, using: &random), Int.random(in: 0...bytes.count, using: &random)]
        #expect(readRequest(changed, endingAt: cuts.sorted()) == readRequest(changed))
        #expect(readRequest(changed, endingAt: Array(0..<bytes.count)) == readRequest(changed))
      }
    }
  }
}

@Suite struct HeadLimitTests {
  private func request(target: Int, fields: Int) -> [UInt8] {
    var text = "GET /" + String(repeating: "a", count: target - 1) + " HTTP/1.1\r\nHost: a\r\n"
    for index in 1..<fields { text += "x-\(index): y\r\n" }
    return Array((text + "\r\n").utf8)
  }

  @Test func `a head of exactly the allowed bytes passes and one more is refused`() throws {
    let bytes = request(target: 10, fields: 5)
    let fitting = HeadLimits(headBytes: bytes.count, targetBytes: 100)
    let tight = HeadLimits(headBytes: bytes.count - 1, targetBytes: 100)
    let expected = HeadOutcome.refused(.headTooLarge(allowedBytes: bytes.count - 1))
    for cut in 0...bytes.count {
      guard case .head = readRequest(bytes, endingAt: [cut], limits: fitting) else {
        Issue.record("refused when cut at \(cut)")
        continue
      }
      #expect(readRequest(bytes, endingAt: [cut], limits: tight) == expected)
    }
  }

  @Test func `a target of exactly the allowed bytes passes and one more is refused`() throws {
    let bytes = request(target: 10, fields: 1)
    let fitting = HeadLimits(headBytes: 1000, targetBytes: 10)
    let tight = HeadLimits(headBytes: 1000, targetBytes: 9)
    for cut in 0...bytes.count {
      guard case .head = readRequest(bytes, endingAt: [cut], limits: fitting) else {
        Issue.record("refused when cut at \(cut)")
        continue
      }
      #expect(readRequest(bytes, endingAt: [cut], limits: tight) == .refused(.targetTooLong(allowedBytes: 9)))
    }
  }

  @Test func `exactly the allowed fields pass and one more is refused`() throws {
    let bytes = request(target: 1, fields: 7)
    let fitting = HeadLimits(headBytes: 1000, targetBytes: 10, fields: 7)
    let tight = HeadLimits(headBytes: 1000, targetBytes: 10, fields: 6)
    for cut in 0...bytes.count {
      guard case .head = readRequest(bytes, endingAt: [cut], limits: fitting) else {
        Issue.record("refused when cut at \(cut)")
        continue
      }
      #expect(readRequest(bytes, endingAt: [cut], limits: tight) == .refused(.tooManyFields(allowed: 6)))
    }
  }

  @Test func `a refusal names its limit`() {
    #expect(HTTPViolation.headTooLarge(allowedBytes: 17).reason.contains("17"))
    #expect(HTTPViolation.targetTooLong(allowedBytes: 18).reason.contains("18"))
    #expect(HTTPViolation.tooManyFields(allowed: 19).reason.contains("19"))
  }
}
