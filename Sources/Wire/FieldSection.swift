internal import Bytes

/// The header fields of one message, in order, in one array of bytes.
///
/// *Invariant*: no name holds anything but token characters and no value holds a control character other than a tab, so
/// a section can always be written out without changing the framing of the message. The parsers refuse such bytes;
/// the `append` functions write a space in their place.
///
/// *Bound*: two gibibytes; the parsers stay below `HeadLimits.headBytes`.
public struct FieldSection: Sendable {
  /// Where a field lies, in as few bytes as will do.
  struct Place: Sendable {
    var nameStart: Int32
    var nameEnd: Int32
    var valueStart: Int32
    var valueEnd: Int32
    var name: FieldName
  }

  /// What the ranges of the fields are in.
  public private(set) var bytes: [UInt8]
  private var places: [Place]
  private var known: KnownNames

  /// Makes an empty section.
  public init() {
    bytes = []
    places = []
    known = KnownNames()
  }

  /// Takes over what a parser found: the bytes of the whole section, checked, and where the fields lie in them.
  init(bytes: Span<UInt8>, places: consuming [Place], known: KnownNames) {
    self.bytes = [UInt8](bytes)
    self.places = places
    self.known = known
  }

  /// How many fields there are.
  public var count: Int { places.count }

  /// Whether there is no field.
  public var isEmpty: Bool { places.isEmpty }

  /// The field at a position from 0 to `count - 1`.
  public subscript(_ index: Int) -> Field {
    let place = places[index]
    return Field(
      name: place.name,
      nameRange: Int(place.nameStart)..<Int(place.nameEnd),
      valueRange: Int(place.valueStart)..<Int(place.valueEnd))
  }

  /// Forgets every field and keeps the memory.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    known = KnownNames()
  }
}

/// Which names occur in a section, one bit a name, so that asking for one that does not costs nothing.
struct KnownNames: Sendable {
  private var present: UInt64 = 0
  private var repeated: UInt64 = 0

  /// Takes note of a field.
  mutating func insert(_ name: FieldName) {
    let bit: UInt64 = 1 &<< UInt64(name.rawValue)
    repeated |= present & bit
    present |= bit
  }

  /// Whether there is a field of this name.
  func contains(_ name: FieldName) -> Bool { present &>> UInt64(name.rawValue) & 1 != 0 }

  /// Whether there is more than one.
  func containsRepeated(_ name: FieldName) -> Bool { repeated &>> UInt64(name.rawValue) & 1 != 0 }
}

// Asking.
extension FieldSection {
  /// Where the value of the first field of this name lies in `bytes`, `nil` where there is none.
  public func first(_ name: FieldName) -> Range<Int>? {
    guard known.contains(name) else { return nil }
    for place in places where place.name == name { return Int(place.valueStart)..<Int(place.valueEnd) }
    return nil
  }

  /// How many fields have this name.
  public func count(of name: FieldName) -> Int {
    guard known.containsRepeated(name) else { return known.contains(name) ? 1 : 0 }
    var found = 0
    for place in places where place.name == name { found += 1 }
    return found
  }

  /// The value of the first field of this name as text, invalid UTF-8 replaced; `nil` where there is none.
  public func string(_ name: FieldName) -> String? {
    guard let range = first(name) else { return nil }
    return String(bytes.span.extracting(range))
  }

  /// Whether the comma-separated lists in the fields of this name hold a token, upper and lower case being the same.
  ///
  /// Parameters after a semicolon are not part of the token.
  public func contains(token: StaticString, in name: FieldName) -> Bool {
    unsafe contains(
      token: Span(_unsafeStart: token.utf8Start, count: token.utf8CodeUnitCount), in: name)
  }

  /// The same for a token that was received, such as a field name that `Connection` may list (RFC 9110 §7.6.1).
  public func contains(token: Span<UInt8>, in name: FieldName) -> Bool {
    guard known.contains(name) else { return false }
    for place in places where place.name == name {
      let value = bytes.span.extracting(Int(place.valueStart)..<Int(place.valueEnd))
      var list = ListElements()
      while let range = list.next(in: value) {
        let element = value.extracting(range)
        let end = element.firstIndex(of: 0x3B) ?? element.count
        if element.extracting(Blank.trimmed(element, 0..<end)).equalsIgnoringCase(token) { return true }
      }
    }
    return false
  }
}

// Adding.
extension FieldSection {
  /// Adds a field of our own with a fixed value.
  public mutating func append(_ name: StaticString, _ value: StaticString) {
    append(name) { bytes in bytes.append(value) }
  }

  /// Adds a field of our own; control characters in the value become spaces.
  public mutating func append(_ name: StaticString, _ value: String) {
    append(name) { bytes in bytes.append(value) }
  }

  /// Adds a field of our own; control characters in the value become spaces.
  public mutating func append(_ name: StaticString, _ value: Span<UInt8>) {
    append(name) { bytes in bytes.append(value) }
  }

  /// Adds a field that came from elsewhere.
  ///
  /// - Parameters:
  ///   - name: a token; other characters become hyphens. Not empty.
  ///   - value: any bytes; control characters become spaces.
  public mutating func append(_ name: Span<UInt8>, _ value: Span<UInt8>) {
    precondition(!name.isEmpty, "a field has a name")
    let start = bytes.count
    bytes.append(name)
    if !Token.isToken(name) {
      for index in start..<bytes.count where !Token.contains(bytes[index]) { bytes[index] = UInt8(ascii: "-") }
    }
    finish(nameStart: start) { bytes in bytes.append(value) }
  }

  /// Adds a field of another section as it is.
  public mutating func append(_ field: Field, of other: FieldSection) {
    let nameStart = bytes.count
    bytes.append(other.bytes.span.extracting(field.nameRange))
    let valueStart = bytes.count
    bytes.append(other.bytes.span.extracting(field.valueRange))
    place(field.name, nameStart: nameStart, valueStart: valueStart)
  }

  private mutating func append(_ name: StaticString, value: (inout [UInt8]) -> Void) {
    let start = bytes.count
    bytes.append(name)
    precondition(Token.isToken(bytes.span.extracting(start...)), "our own field names are tokens")
    finish(nameStart: start, value: value)
  }

  private mutating func finish(nameStart: Int, value: (inout [UInt8]) -> Void) {
    let valueStart = bytes.count
    value(&bytes)
    var index = valueStart
    while let control = bytes.span.firstIndex(ofControlOr: 0x7F, 0x7F, from: index) {
      if bytes[control] != ASCII.tab { bytes[control] = ASCII.space }
      index = control + 1
    }
    let name = FieldName(token: bytes.span.extracting(nameStart..<valueStart))
    place(name, nameStart: nameStart, valueStart: valueStart)
  }

  private mutating func place(_ name: FieldName, nameStart: Int, valueStart: Int) {
    known.insert(name)
    places.append(
      Place(
        nameStart: Int32(nameStart), nameEnd: Int32(valueStart), valueStart: Int32(valueStart),
        valueEnd: Int32(bytes.count), name: name))
  }
}
