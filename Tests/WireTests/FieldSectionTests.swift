import Bytes
import Testing
import Wire

@Suite struct FieldSectionTests {
  private func section(_ fields: (String, String)...) -> FieldSection {
    var section = FieldSection()
    for (name, value) in fields { section.append(Array(name.utf8).span, Array(value.utf8).span) }
    return section
  }

  @Test func `fields keep their order and their spelling`() {
    let section = section(("Vary", "Origin"), ("X-A", "1"), ("vary", "Accept"), ("x-a", ""))
    #expect(section.lines == ["Vary: Origin", "X-A: 1", "vary: Accept", "x-a: "])
    #expect(section.count == 4)
    #expect(section.count(of: .vary) == 2)
    #expect(section.count(of: .other) == 2)
    #expect(section.count(of: .host) == 0)
    #expect(section.string(.vary) == "Origin")
    #expect(section.string(.host) == nil)
    #expect(section.first(.vary) == section[0].valueRange)
    #expect(section[2].name == .vary)
  }

  @Test func `every way to add a field gives the same`() {
    var section = FieldSection()
    section.append("Retry-After", "7" as StaticString)
    section.append("Retry-After", String(7))
    section.append("Retry-After", Array("7".utf8).span)
    section.append(Array("Retry-After".utf8).span, Array("7".utf8).span)
    let copy = section
    section.append(copy[0], of: copy)
    #expect(section.lines == Array(repeating: "Retry-After: 7", count: 5))
    #expect(section.count(of: .retryAfter) == 5)
    #expect(section[4].name == .retryAfter)
  }

  @Test func `nothing in a value can end its line`() {
    let hostile = "a\r\nSet-Cookie: x\0\u{1}\u{7F}\tb"
    var section = FieldSection()
    section.append("Location", hostile)
    section.append("Location", Array(hostile.utf8).span)
    section.append(Array("Location".utf8).span, Array(hostile.utf8).span)
    #expect(section.lines == Array(repeating: "Location: a  Set-Cookie: x   \tb", count: 3))
  }

  @Test func `nothing in a name can end it`() {
    #expect(section(("a\r\nb: c", "d")).lines == ["a--b--c: d"])
  }

  @Test func `a section can be emptied and filled again`() {
    var section = section(("Host", "a"))
    section.removeAll()
    #expect(section.isEmpty)
    #expect(section.first(.host) == nil)
    #expect(section.bytes.isEmpty)
    section.append("Host", "b" as StaticString)
    #expect(section.lines == ["Host: b"])
  }

  @Test func `a token is found in any of the lists in any case`() {
    let section = section(
      ("Accept", "text/html, Text/Event-Stream;q=0.9 ,*/*;q=0.1"), ("Connection", "a"), ("connection", "\t,b ,, c"),
      ("Vary", #""x, y", z"#))
    #expect(section.contains(token: "text/event-stream", in: .accept))
    #expect(section.contains(token: "*/*", in: .accept))
    #expect(!section.contains(token: "text", in: .accept))
    #expect(!section.contains(token: "q=0.9", in: .accept))
    for token: StaticString in ["a", "B", "c"] { #expect(section.contains(token: token, in: .connection)) }
    #expect(!section.contains(token: "d", in: .connection))
    #expect(section.contains(token: "z", in: .vary))
    #expect(!section.contains(token: "y\"", in: .vary))
    #expect(!section.contains(token: "a", in: .upgrade))
    let isListed = section.contains(token: Array("C".utf8).span, in: .connection)
    #expect(isListed)
  }
}
