/// The event stream section of the WHATWG HTML standard (§9.2.6) done the slow and obvious way.
///
/// Everything at once, as text. What the decoder is measured against.
struct StandardReading: Equatable {
  struct Event: Equatable, CustomStringConvertible {
    var type = ""
    var data = ""
    var id = ""
    var hasID = false

    var description: String { "[type \(type.debugDescription) data \(data.debugDescription) id \(id) \(hasID)]" }
  }

  var events: [Event] = []
  var retry: Int?
  var sawAnyField = false

  private var type = ""
  private var data = ""
  private var id = ""
  private var hasID = false

  init(_ bytes: [UInt8]) {
    var text = String(decoding: bytes, as: UTF8.self).unicodeScalars
    if text.first == "\u{FEFF}" { text.removeFirst() }
    for line in Self.lines(text) { read(line) }
  }

  /// The lines that end; what follows the last end is dropped.
  private static func lines(_ text: String.UnicodeScalarView) -> [String] {
    var lines: [String] = []
    var line = String.UnicodeScalarView()
    var followsReturn = false
    for scalar in text {
      if scalar == "\n", followsReturn {
        followsReturn = false
        continue
      }
      followsReturn = scalar == "\r"
      if scalar == "\n" || scalar == "\r" {
        lines.append(String(line))
        line = String.UnicodeScalarView()
      } else {
        line.append(scalar)
      }
    }
    return lines
  }

  private mutating func read(_ line: String) {
    let scalars = Array(line.unicodeScalars)
    if scalars.isEmpty { return dispatch() }
    if scalars[0] == ":" { return }
    let colon = scalars.firstIndex(of: ":")
    let name = scalars[..<(colon ?? scalars.count)]
    var value = colon.map { scalars[($0 + 1)...] } ?? []
    if value.first == " " { value = value.dropFirst() }
    process(Self.string(name), Self.string(value))
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private mutating func process(_ name: String, _ value: String) {
    switch name {
    case "event": type = value
    case "data": data += value + "\n"
    case "id":
      if value.unicodeScalars.contains("\0") { break }
      id = value
      hasID = true
    case "retry":
      if value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(value) { retry = number }
    default: return
    }
    sawAnyField = true
  }

  private mutating func dispatch() {
    if !data.isEmpty {
      data.unicodeScalars.removeLast()
      events.append(Event(type: type, data: data, id: id, hasID: hasID))
    }
    (type, data, hasID) = ("", "", false)
  }
}
