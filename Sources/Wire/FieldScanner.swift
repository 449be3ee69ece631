internal import Bytes

/// Reads the field lines of a head up to and including the empty line, however few bytes it gets at a time.
///
/// Every byte is looked at once, in order, and a defect is reported at the byte that makes it one; so what comes out
/// does not depend on where the network cut. Positions are those of the span it is given, which always begins at the
/// same byte.
struct FieldScanner: Sendable {
  private enum Phase { case lineStart, name, blank, value, lineEnd, sectionEnd }

  /// What has been found so far, with positions counted from `start`.
  private var places: [FieldSection.Place] = []
  private var known = KnownNames()

  private let start: Int
  private let allowed: Int
  private var phase = Phase.lineStart
  private var nameStart = 0
  private var nameEnd = 0
  private var valueStart = 0

  /// Begins a section.
  ///
  /// - Parameters:
  ///   - start: the position of its first byte.
  ///   - allowed: the most fields.
  init(start: Int, allowed: Int) {
    self.start = start
    self.allowed = allowed
  }

  /// Goes on from `position`, which moves past what was understood.
  ///
  /// - Parameters:
  ///   - bytes: everything from the first byte of the head on.
  ///   - position: where to go on.
  /// - Returns: whether the empty line was passed.
  /// - Throws: `HTTPViolation` at the first byte that is wrong.
  mutating func scan(_ bytes: Span<UInt8>, from position: inout Int) throws(HTTPViolation) -> Bool {
    // In a register; the caller's copy is written once.
    var index = position
    defer { position = index }
    while index < bytes.count {
      // A line falls from case to case; one that is cut is taken up again in the middle.
      switch phase {
      case .lineStart:
        guard try beginLine(bytes[index], at: &index) else { continue }
        fallthrough
      case .name:
        // Most names are letters and hyphens alone.
        index = bytes.firstMark(from: index) { $0.neitherLetterNorHyphen }
        guard index < bytes.count else { return false }
        if bytes[index] != UInt8(ascii: ":") {
          index = Token.end(in: bytes, from: index)
          guard index < bytes.count else { return false }
        }
        try endName(bytes[index], at: &index)
        fallthrough
      case .blank:
        while index < bytes.count, Blank.contains(bytes[index]) { index &+= 1 }
        guard index < bytes.count else { return false }
        valueStart = index
        phase = .value
        fallthrough
      case .value:
        guard try endValue(bytes, at: &index) else { return false }
        fallthrough
      case .lineEnd:
        guard index < bytes.count else { return false }
        try FieldScanner.passLineFeed(bytes[index], at: &index)
        endField(bytes, lineEnd: index &- 2)
      case .sectionEnd:
        try FieldScanner.passLineFeed(bytes[index], at: &index)
        return true
      }
    }
    return false
  }

  /// Hands over what was found.
  ///
  /// - Parameter bytes: the section, from its first byte to the end of its empty line.
  /// - Returns: the fields.
  mutating func takeSection(_ bytes: Span<UInt8>) -> FieldSection {
    var places: [FieldSection.Place] = []
    swap(&places, &self.places)
    return FieldSection(bytes: bytes, places: places, known: known)
  }

  /// Moves past the line feed that has to follow a carriage return.
  static func passLineFeed(_ byte: UInt8, at position: inout Int) throws(HTTPViolation) {
    guard byte == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
    position &+= 1
  }
}

extension FieldScanner {
  /// Looks at the first byte of a line and tells whether a name begins there.
  @inline(__always)
  private mutating func beginLine(_ byte: UInt8, at position: inout Int) throws(HTTPViolation) -> Bool {
    if byte == UInt8(ascii: "\r") {
      phase = .sectionEnd
      position &+= 1
      return false
    }
    guard !Blank.contains(byte) else { throw .foldedField }
    guard byte != UInt8(ascii: ":") else { throw .emptyFieldName }
    guard places.count < allowed else { throw .tooManyFields(allowed: allowed) }
    nameStart = position
    phase = .name
    return true
  }

  @inline(__always)
  private mutating func endName(_ byte: UInt8, at position: inout Int) throws(HTTPViolation) {
    guard byte == UInt8(ascii: ":") else {
      switch byte {
      case ASCII.space, ASCII.tab: throw .spaceInFieldName
      case ASCII.carriageReturn: throw .fieldWithoutColon
      case ASCII.lineFeed: throw .bareLineFeed
      case 0: throw .nulInField
      default: throw .malformedFieldName
      }
    }
    nameEnd = position
    position &+= 1
    phase = .blank
  }

  /// Moves past the carriage return that ends a value and tells whether there was one.
  @inline(__always)
  private mutating func endValue(_ bytes: Span<UInt8>, at position: inout Int) throws(HTTPViolation) -> Bool {
    while true {
      position = bytes.firstMark(from: position) { $0.control }
      guard position < bytes.count else { return false }
      let byte = bytes[position]
      position &+= 1
      switch byte {
      case UInt8(ascii: "\r"):
        phase = .lineEnd
        return true
      case UInt8(ascii: "\t"): continue
      case UInt8(ascii: "\n"): throw .bareLineFeed
      case 0: throw .nulInField
      default: throw .controlInField
      }
    }
  }

  @inline(__always)
  private mutating func endField(_ bytes: Span<UInt8>, lineEnd: Int) {
    var valueEnd = lineEnd
    while valueEnd > valueStart, Blank.contains(bytes[valueEnd &- 1]) { valueEnd &-= 1 }
    let name = FieldName(token: bytes.extracting(nameStart..<nameEnd))
    known.insert(name)
    // Room for what a browser sends.
    if places.isEmpty { places.reserveCapacity(min(allowed, 24)) }
    places.append(
      FieldSection.Place(
        nameStart: Int32(truncatingIfNeeded: nameStart &- start), nameEnd: Int32(truncatingIfNeeded: nameEnd &- start),
        valueStart: Int32(truncatingIfNeeded: valueStart &- start),
        valueEnd: Int32(truncatingIfNeeded: valueEnd &- start), name: name))
    phase = .lineStart
  }
}
