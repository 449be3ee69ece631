import Testing

@testable import Admission

@Suite struct LimitSubjectTests {
  static let all: UInt8 = 0x7f

  static func bits(_ dimensions: Dimension...) -> UInt8 {
    dimensions.reduce(0) { $0 | 1 << UInt8($1.index) }
  }

  @Test func `every dimension has a place of its own`() {
    #expect(Dimension.allCases.map(\.index) == Array(0..<Dimension.count))
  }

  @Test func `equal values are one key`() {
    let one = LimitSubject(domain: "a.example", client: .ipv4(1), origin: "https://a", principal: [1, 2], route: "/x")
    let same = LimitSubject(domain: "a.example", client: .ipv4(1), origin: "https://a", principal: [1, 2], route: "/x")
    #expect(one.key(of: Self.all) == same.key(of: Self.all))
  }

  @Test func `each dimension tells apart, and only where it is asked for`() {
    let subject = LimitSubject(domain: "a", client: .unix).asking(upstream: "u").asking(endpoint: "e")
    let others: [(Dimension, LimitSubject)] = [
      (.domain, LimitSubject(domain: "b", client: .unix)), (.client, LimitSubject(domain: "a", client: .ipv4(1))),
      (.origin, LimitSubject(domain: "a", client: .unix, origin: "o")),
      (.principal, LimitSubject(domain: "a", client: .unix, principal: [])),
      (.route, LimitSubject(domain: "a", client: .unix, route: "")),
    ]
    for (dimension, other) in others {
      let other = other.asking(upstream: "u").asking(endpoint: "e")
      for asked in Dimension.allCases {
        #expect((subject.key(of: Self.bits(asked)) == other.key(of: Self.bits(asked))) == (asked != dimension))
      }
      #expect(subject.key(of: Self.all) != other.key(of: Self.all))
    }
    #expect(subject.key(of: Self.bits(.upstream)) != subject.asking(upstream: "v").key(of: Self.bits(.upstream)))
    #expect(subject.key(of: Self.bits(.endpoint)) != subject.asking(endpoint: "f").key(of: Self.bits(.endpoint)))
  }

  @Test func `equal texts of two dimensions do not cancel each other out`() {
    let pair = Self.bits(.domain, .route)
    let one = LimitSubject(domain: "x", route: "x").key(of: pair)
    let other = LimitSubject(domain: "y", route: "y").key(of: pair)
    #expect(one != other)
    #expect(LimitSubject(domain: "x", route: "y").key(of: pair) != LimitSubject(domain: "y", route: "x").key(of: pair))
    #expect(one != LimitSubject().key(of: pair))
  }

  @Test func `without dimensions all are one`() {
    #expect(LimitSubject(domain: "a").key(of: 0) == LimitSubject(domain: "b").key(of: 0))
  }
}
