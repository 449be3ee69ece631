import Bytes
import Testing

@Suite struct SearchTests {
  /// Every position a search could start at, in samples of every length that a word and its rest can have.
  private func check(
    _ name: Comment, _ matches: (UInt8) -> Bool, _ search: (Span<UInt8>, Int) -> Int?
  ) {
    for length in 0...20 {
      for place in -1..<length {
        for byte in UInt8.min...UInt8.max {
          var bytes = [UInt8](repeating: 0x61, count: length)
          if place >= 0 { bytes[place] = byte }
          for start in [0, max(0, place), min(length, place + 1), length] {
            let found = search(bytes.span, start)
            let expected = bytes[start...].firstIndex(where: matches)
            #expect(found == expected, name)
          }
        }
      }
    }
  }

  @Test func `the first control character or other byte is found`() {
    check("quote or backslash", { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
      $0.firstIndex(ofControlOr: 0x22, 0x5C, from: $1)
    }
    check("delete", { $0 < 0x20 || $0 == 0x7F }) { $0.firstIndex(ofControlOr: 0x7F, 0x7F, from: $1) }
    check("beyond ASCII", { $0 < 0x20 || $0 == 0xFF || $0 == 0x80 }) {
      $0.firstIndex(ofControlOr: 0xFF, 0x80, from: $1)
    }
  }

  @Test func `the first byte that is not ASCII is found`() {
    check("non-ASCII", { $0 >= 0x80 }) { $0.firstIndexOfNonASCII(from: $1) }
  }

  @Test func `the first byte that a question marks is found`() {
    check("control", { $0 < 0x20 || $0 == 0x7F }) { bytes, start in
      let index = bytes.firstMark(from: start) { $0.control }
      return index < bytes.count ? index : nil
    }
    check("name", { !("a"..."z").contains(Unicode.Scalar($0 | 0x20)) && $0 != 0x2D || $0 >= 0x80 }) { bytes, start in
      let index = bytes.firstMark(from: start) { $0.neitherLetterNorHyphen }
      return index < bytes.count ? index : nil
    }
  }

  @Test func `two marks in one word do not hide each other`() {
    var bytes = [UInt8](repeating: 0x61, count: 8)
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        bytes[2] = first
        bytes[3] = second
        let control = bytes.span.firstMark(from: 0) { $0.control }
        #expect(control == bytes.firstIndex { $0 < 0x20 || $0 == 0x7F } ?? 8)
        let quote = bytes.span.firstIndex(ofControlOr: 0x22, 0x5C)
        #expect(quote == bytes.firstIndex { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C })
      }
    }
  }

  @Test func `names are equal in any case`() {
    for name: StaticString in [
      "te", "host", "x-real-ip", "connection", "content-encoding", "access-control-request-method",
    ] {
      let lower = name.withUTF8Buffer { Array($0) }
      let upper = lower.map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }
      for bytes in [lower, upper] {
        let isEqual = bytes.span.equalsName(name)
        #expect(isEqual)
        for place in bytes.indices {
          var changed = bytes
          changed[place] = UInt8(ascii: "z")
          let isStillEqual = changed.span.equalsName(name)
          #expect(!isStillEqual)
        }
        let isShorterEqual = Array(bytes.dropLast()).span.equalsName(name)
        #expect(!isShorterEqual)
      }
    }
  }

  @Test func `text is equal in any case of its ASCII letters only`() {
    func isEqual(_ left: String, _ right: String) -> Bool {
      Array(left.utf8).span.equalsIgnoringCase(Array(right.utf8).span)
    }
    #expect(isEqual("Keep-Alive", "kEEP-aLIVE"))
    #expect(!isEqual("a", "ab"))
    #expect(!isEqual("[", "{"))
    #expect(!isEqual("\u{E9}", "\u{C9}"))
    #expect(isEqual("", ""))
  }

  @Test func `borrowed bytes can be copied`() {
    let bytes: [UInt8] = [1, 2, 3]
    #expect([UInt8](bytes.span.extracting(1...)) == [2, 3])
    #expect([UInt8](bytes.span.extracting(3...)) == [])
  }
}
