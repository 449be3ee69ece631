import Testing
import Wire

@testable import Admission

@Suite struct ForwardedValuesTests {
  private func lines(
    _ peer: String, _ fields: [(StaticString, String)] = [], _ source: ClientAddressSource = .xForwardedFor,
    authority: String = "gate.example:8004"
  ) throws -> [String] {
    let values = ForwardedValues(try Way.client(peer, fields, source), scheme: .http, authority: authority)
    return [values.forwardedFor ?? "-", values.proto, values.host ?? "-", values.forwarded]
  }

  @Test func `an untrusted peer's words are replaced`() throws {
    #expect(
      try lines("192.0.2.1", ClientAddressTests.everything) == [
        "192.0.2.1", "http", "gate.example:8004", "for=192.0.2.1;proto=http;host=\"gate.example:8004\"",
      ])
  }

  @Test func `a trusted peer is appended to what it is believed`() throws {
    let fields: [(StaticString, String)] = [
      ("X-Forwarded-For", "198.51.100.1, 192.0.2.1:80, ::1"), ("X-Forwarded-Proto", "https"),
      ("X-Forwarded-Host", "A.example"), ("Forwarded", "for=198.51.100.2;proto=http;host=c"),
    ]
    #expect(
      try lines("10.0.0.1", fields) == [
        "192.0.2.1, ::1, 10.0.0.1", "https", "a.example",
        "for=192.0.2.1;proto=https;host=\"a.example\", for=\"[::1]\", for=10.0.0.1",
      ])
  }

  @Test func `the same from the standard field`() throws {
    let fields: [(StaticString, String)] = [
      ("X-Forwarded-For", "198.51.100.1"),
      ("Forwarded", "for=10.9.9.9;x=\", for=\"[2001:db8::1]\";proto=https, for=10.0.0.2;host=b"),
    ]
    #expect(
      try lines("10.0.0.1", fields, .forwarded) == [
        "2001:db8::1, 10.0.0.2, 10.0.0.1", "https", "b",
        "for=\"[2001:db8::1]\";proto=https;host=\"b\", for=10.0.0.2, for=10.0.0.1",
      ])
  }

  @Test func `without a host none is told`() throws {
    #expect(try lines("192.0.2.1", authority: "") == ["192.0.2.1", "http", "-", "for=192.0.2.1;proto=http"])
  }

  @Test func `a host can never end its quotes`() throws {
    #expect(try lines("192.0.2.1", authority: "a\"\\,b").last == "for=192.0.2.1;proto=http;host=\"a\\\"\\\\,b\"")
  }

  @Test func `a client on this machine has no address to tell`() {
    let client = ClientAddress.resolve(
      peer: .unixSocket, fields: FieldSection(), trusted: .none, source: .xForwardedFor)
    let values = ForwardedValues(client, scheme: .https, authority: "a")
    #expect(values.forwardedFor == nil && values.forwarded == "for=unknown;proto=https;host=\"a\"")
  }

  @Test(arguments: ClientAddressSource.allCases)
  func `another gateway reads what this one wrote`(source: ClientAddressSource) throws {
    let field: StaticString = source == .forwarded ? "Forwarded" : "X-Forwarded-For"
    let value = source == .forwarded ? "for=\"[2001:db8::1]\", for=10.0.0.2" : "2001:db8::1, 10.0.0.2"
    let client = try Way.client("10.0.0.1", [(field, value)], source)
    let values = ForwardedValues(client, scheme: .https, authority: "a.example")
    let next: [(StaticString, String)] = [
      ("X-Forwarded-For", try #require(values.forwardedFor)), ("X-Forwarded-Proto", values.proto),
      ("X-Forwarded-Host", try #require(values.host)), ("Forwarded", values.forwarded),
    ]
    let again = try Way.client("10.0.0.9", next, source)
    #expect(again.chain == client.chain + [try #require(IPAddress("10.0.0.9"))])
    #expect(again.scheme == .https && again.authority == "a.example")
  }
}
