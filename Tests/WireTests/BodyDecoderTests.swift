import Bytes
import Testing
import Wire

@Suite struct BodyDecoderTests {
  /// What a body led to.
  private struct Outcome: Equatable {
    var payload: [UInt8] = []
    var isComplete = false
    var violation: HTTPViolation?
    /// How many bytes were left for the next message.
    var rest = 0
  }

  /// Decodes bytes that arrive cut at the given places.
  private func decode(_ bytes: [UInt8], framing: BodyFraming, cuts: [Int] = []) -> Outcome {
    var decoder = BodyDecoder(framing: framing)
    var outcome = Outcome()
    var start = 0
    for end in cuts + [bytes.count] {
      let input = Array(bytes[start..<end])
      var offset = 0
      steps: while true {
        do throws(HTTPViolation) {
          switch try decoder.next(in: input.span, at: &offset) {
          case .payload(let range):
            #expect(!range.isEmpty && range.upperBound == offset)
            outcome.payload += input[range]
          case .needMore:
            #expect(offset == input.count)
            break steps
          case .complete:
            outcome.isComplete = true
            outcome.rest = bytes.count - start - offset
            return outcome
          }
        } catch {
          outcome.violation = error
          return outcome
        }
      }
      start = end
    }
    return outcome
  }

  static let chunked: [(String, String)] = [
    ("0\r\n\r\n", ""),
    ("5\r\nhello\r\n0\r\n\r\nNEXT", "hello"),
    ("5\r\nhello\r\n6; a=b\r\n world\r\n0\r\n\r\n", "hello world"),
    ("A;x=\"a b\"\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789"),
    ("0000000000000003 \t;q\r\na\r\n\r\n0;last\r\nX-Sum: 1\r\nEmpty:\r\n\r\nNEXT", "a\r\n"),
  ]

  @Test(arguments: chunked)
  func `a chunked body is the same however it is cut`(text: String, payload: String) {
    let bytes = Array(text.utf8)
    let whole = decode(bytes, framing: .chunked)
    #expect(whole.payload.text == payload)
    #expect(whole.isComplete)
    #expect(whole.rest == (text.hasSuffix("NEXT") ? 4 : 0))
    for first in 0...bytes.count {
      for second in first...bytes.count {
        #expect(decode(bytes, framing: .chunked, cuts: [first, second]) == whole)
      }
    }
    #expect(decode(bytes, framing: .chunked, cuts: Array(0..<bytes.count)) == whole)
  }

  static let malformed: [(String, HTTPViolation)] = [
    ("\r\n", .malformedChunkSize), ("x\r\n", .malformedChunkSize), ("-1\r\n", .malformedChunkSize),
    ("+1\r\n", .malformedChunkSize), ("0x1\r\n", .malformedChunkSize), (" 1\r\n", .malformedChunkSize),
    (";a\r\n", .malformedChunkSize), ("1 \r\n", .malformedChunkSize), ("1\t\r\n", .malformedChunkSize),
    ("1 2\r\n", .malformedChunkSize), ("1,\r\n", .malformedChunkSize), ("1\0", .malformedChunkSize),
    ("1;\0", .malformedChunkSize), ("1;\u{7F}", .malformedChunkSize), ("\n", .bareLineFeed), ("1\n", .bareLineFeed),
    ("1;a\n", .bareLineFeed), ("1 \n", .bareLineFeed), ("1\rx", .bareCarriageReturn), ("1;a\rx", .bareCarriageReturn),
    ("8000000000000000\r\n", .chunkSizeOverflow), ("ffffffffffffffff\r\n", .chunkSizeOverflow),
    ("10000000000000000\r\n", .chunkSizeOverflow), ("00000000000000001\r\n", .chunkSizeOverflow),
    ("1\r\nab\r\n", .chunkNotTerminated), ("1\r\na\n", .chunkNotTerminated), ("1\r\na\rb", .bareCarriageReturn),
    ("0\r\n a: b\r\n", .foldedField), ("0\r\n: b\r\n", .emptyFieldName), ("0\r\na : b\r\n", .spaceInFieldName),
    ("0\r\na\r\n", .fieldWithoutColon), ("0\r\n\n", .bareLineFeed), ("0\r\na\n", .bareLineFeed),
    ("0\r\na: b\n", .bareLineFeed), ("0\r\na: b\rc", .bareCarriageReturn), ("0\r\n\rx", .bareCarriageReturn),
    ("0\r\na: \0", .nulInField), ("0\r\na: \u{1}", .controlInField), ("0\r\n(: b", .malformedFieldName),
  ]

  @Test(arguments: malformed)
  func `a malformed chunk is refused however it is cut`(text: String, violation: HTTPViolation) {
    let bytes = Array(text.utf8)
    for cut in 0...bytes.count {
      #expect(decode(bytes, framing: .chunked, cuts: [cut]).violation == violation)
    }
    #expect(violation.status == 400)
  }

  @Test func `the largest chunk size is one of 63 bits`() throws {
    let bytes = Array("7fffffffffffffff\r\nabc".utf8)
    let outcome = decode(bytes, framing: .chunked)
    #expect(outcome.payload.text == "abc")
    #expect(outcome.violation == nil)
    #expect(!outcome.isComplete)
  }

  @Test func `a chunk extension of exactly the allowed bytes passes and one more is refused`() {
    let fitting = "1;" + String(repeating: "x", count: 255) + "\r\na\r\n0\r\n\r\n"
    let tight = "1;" + String(repeating: "x", count: 256) + "\r\na\r\n0\r\n\r\n"
    #expect(decode(Array(fitting.utf8), framing: .chunked).payload.text == "a")
    #expect(decode(Array(tight.utf8), framing: .chunked).violation == .chunkExtensionTooLong(allowedBytes: 256))
    let blank = "1" + String(repeating: " ", count: 300)
    #expect(decode(Array(blank.utf8), framing: .chunked).violation == .chunkExtensionTooLong(allowedBytes: 256))
  }

  @Test func `a trailer section of exactly the allowed bytes passes and one more is refused`() {
    let fitting = "0\r\na: " + String(repeating: "x", count: 8192 - 7) + "\r\n\r\n"
    let tight = "0\r\na: " + String(repeating: "x", count: 8192 - 6) + "\r\n\r\n"
    #expect(decode(Array(fitting.utf8), framing: .chunked).isComplete)
    #expect(decode(Array(tight.utf8), framing: .chunked).violation == .trailersTooLarge(allowedBytes: 8192))
    #expect(HTTPViolation.trailersTooLarge(allowedBytes: 8192).status == 431)
  }

  @Test func `a body of a stated length ends there`() {
    let bytes = Array("hello NEXT".utf8)
    for cut in 0...bytes.count {
      let outcome = decode(bytes, framing: .length(5), cuts: [cut])
      #expect(outcome.payload.text == "hello")
      #expect(outcome.isComplete)
      #expect(outcome.rest == 5)
    }
    #expect(decode(bytes, framing: .length(0)) == Outcome(isComplete: true, rest: 10))
    #expect(decode(bytes, framing: .none) == Outcome(isComplete: true, rest: 10))
  }

  @Test func `only a body that ends with the connection is complete when the connection ends`() throws {
    let bytes = Array("5\r\nabc".utf8)
    for (framing, isComplete) in [(BodyFraming.untilClose, true), (.chunked, false), (.length(100), false)] {
      var decoder = BodyDecoder(framing: framing)
      var offset = 0
      while case .payload = try decoder.next(in: bytes.span, at: &offset) {}
      #expect(!decoder.isComplete)
      let isFinished = decoder.finish()
      #expect(isFinished == isComplete)
      #expect(decoder.isComplete == isComplete)
    }
    var empty = BodyDecoder(framing: .none)
    #expect(empty.isComplete)
    let isFinished = empty.finish()
    #expect(isFinished)
  }
}
