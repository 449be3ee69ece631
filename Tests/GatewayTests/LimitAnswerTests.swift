import Admission
import Bytes
import Settings
import Testing
import Wire

@testable import Gateway

@Suite struct LimitAnswerTests {
  /// What a table says that has no room.
  private func refusal(_ limit: Limit) throws -> LimitRefusal {
    let table = SlotTable(limits: [limit])
    let subject = LimitSubject(domain: "chat.example.com", client: .ipv4(1), principal: [1])
    var claim: Claim?
    for _ in 0...limit.counts.bound { claim = table.claim(.stream, for: subject, worker: 0, at: .now).claim }
    guard case .refused(let refusal) = claim else { throw Admitted() }
    return refusal
  }

  private struct Admitted: Error {}

  private let tabs = Limit(name: "tabs", per: [.client, .domain], counts: .streams(2), whenFull: .refuse)
  private let starts = Limit(
    name: "starts", per: [], counts: .rate(Rate(count: 1, unit: .hour), burst: 1), whenFull: .refuse)

  @Test(
    arguments: [([.client], 429), ([.principal], 429), ([.domain], 503), ([], 503), ([.domain, .client], 429)]
      as [([Dimension], Int)])
  func `a client's own limit is its fault, the gateway's is not`(per: [Dimension], status: Int) throws {
    let refusal = try refusal(Limit(name: "n", per: per, counts: .streams(1), whenFull: .refuse))
    #expect(LimitAnswer.response(refusal, .status, to: .get).head.status == status)
  }

  @Test func `an answer says which limit, how much, and when to come back`() throws {
    let response = LimitAnswer.response(try refusal(tabs), .status, to: .post)
    #expect(response.head.status == 429 && response.reason == .limited)
    #expect(text(response, "Content-Type") == "application/problem+json")
    #expect(text(response, "Cache-Control") == "no-store")
    let seconds = try #require(text(response, "Retry-After").flatMap { Int($0) })
    #expect((1...5).contains(seconds))
    let body = String(decoding: response.body, as: UTF8.self)
    #expect(body.contains(#""limit":"tabs","bound":"2 streams per client, domain""#))
    #expect(body.contains(#""status":429"#))
  }

  @Test func `clients who are refused at once come back at different times`() throws {
    let refusal = try refusal(tabs)
    let times = (0..<200).map { _ in text(LimitAnswer.response(refusal, .status, to: .get), "Retry-After") }
    #expect(Set(times) == Set((1...5).map { "\($0)" }))
  }

  @Test func `of a rate the moment is known`() throws {
    let refusal = try refusal(starts)
    let seconds = try #require(
      text(LimitAnswer.response(refusal, .status, to: .get), "Retry-After").flatMap { Int($0) })
    #expect(seconds == refusal.retryAfterSeconds.lowerBound && (3590...3601).contains(seconds))
  }

  @Test func `an EventSource may be told by an event, and nobody else is`() throws {
    let refusal = try refusal(tabs)
    let response = LimitAnswer.response(refusal, .stream, to: .get)
    #expect(response.head.status == 200 && response.reason == .limited)
    #expect(text(response, "Content-Type") == "text/event-stream; charset=utf-8")
    #expect(text(response, "Retry-After") == nil)
    for method in [Wire.Method.post, .head, .delete] {
      #expect(LimitAnswer.response(refusal, .stream, to: method).head.status == 429)
    }
  }

  @Test(arguments: [1, 5, 3600]) func `the event says when to come back to those who read it and to the browser`(
    seconds: Int
  ) throws {
    let refusal = try refusal(tabs)
    for _ in 0..<50 {
      var decoder = SSEDecoder(maxEventBytes: 1000)
      var offset = 0
      let bytes = LimitAnswer.busy(refusal, retryAfter: seconds)
      #expect(try decoder.next(in: bytes.span, at: &offset) && offset == bytes.count)
      #expect(String(decoding: decoder.event.type, as: UTF8.self) == "sluice.busy")
      #expect(
        String(decoding: decoder.event.data, as: UTF8.self)
          == "{\"limit\":\"tabs\",\"bound\":\"2 streams per client, domain\",\"retry_after\":\(seconds)}")
      #expect(!decoder.event.hasID, "a place in a stream is not taken away")
      #expect(try (seconds * 1000..<(seconds + 1) * 1000).contains(#require(decoder.retry)))
    }
  }

  private func text(_ response: Response, _ name: String) -> String? {
    let fields = response.head.fields
    for index in 0..<fields.count {
      let field = fields[index]
      guard String(decoding: fields.bytes[field.nameRange], as: UTF8.self) == name else { continue }
      return String(decoding: fields.bytes[field.valueRange], as: UTF8.self)
    }
    return nil
  }
}
