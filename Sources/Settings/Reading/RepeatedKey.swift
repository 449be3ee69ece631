import Yams

/// A way past the parser's refusal of mappings with the same key twice.
///
/// YAML allows each key once (YAML 1.2 §3.2.1.1), and the parser stops where it finds one again, without a path and without
/// a look at the rest. So the first of the two gets another name and the text is parsed again; the name's mark then
/// shows where the file repeats itself, and everything else that is wrong is found as well.
enum RepeatedKey {
  /// How many repeated keys are renamed before the parser's own word is taken.
  static let maximum = 20

  /// What a renamed key begins with: a character of private use, which has no meaning in any file.
  private static let mark: Unicode.Scalar = "\u{E000}"

  /// The text with the first of two equal keys renamed.
  ///
  /// - Parameters:
  ///   - text: the document.
  ///   - error: why the parser refused it.
  /// - Returns: `nil` where that was for another reason.
  static func renamed(in text: String, after error: YamlError) -> String? {
    guard case .duplicatedKeysInMapping(_, let context) = error else { return nil }
    let place = context.mark
    let scalars = text.unicodeScalars
    guard let lineStart = start(ofLine: place.line, in: scalars),
      var position = scalars.index(lineStart, offsetBy: place.column - 1, limitedBy: scalars.endIndex),
      position < scalars.endIndex
    else { return nil }
    if "\"'".unicodeScalars.contains(scalars[position]) { position = scalars.index(after: position) }
    var renamed = text
    renamed.unicodeScalars.insert(mark, at: position)
    return renamed
  }

  /// The name that the file has for a key; `nil` where the key was not renamed.
  static func original(_ name: String) -> String? {
    guard name.unicodeScalars.first == mark else { return nil }
    return String(String.UnicodeScalarView(name.unicodeScalars.drop { $0 == mark }))
  }

  private static func start(
    ofLine line: Int, in scalars: String.UnicodeScalarView
  ) -> String.UnicodeScalarView.Index? {
    var position = scalars.startIndex
    for _ in 1..<line {
      guard let end = scalars[position...].firstIndex(where: isLineBreak) else { return nil }
      let next = scalars.index(after: end)
      let isPair = scalars[end] == "\r" && next < scalars.endIndex && scalars[next] == "\n"
      position = isPair ? scalars.index(after: next) : next
    }
    return position
  }

  /// The line breaks of YAML 1.1, by which the parser counts (YAML 1.1 §4.1.4).
  private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
    ["\r", "\n", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar)
  }
}
