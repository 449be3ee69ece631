internal import Wire

/// Which cookies pass the gateway.
public enum CookieSelection: Sendable, Hashable {
  /// None.
  case none
  /// All of them.
  case pass
  /// Those with one of these names, upper and lower case being different.
  case named([String])

  /// Whether a cookie passes.
  ///
  /// - Parameter name: its name.
  /// - Returns: whether it is one of the selection.
  func contains(_ name: Span<UInt8>) -> Bool {
    switch self {
    case .none: return false
    case .pass: return true
    case .named(let names):
      for listed in names where CookieSelection.isSame(listed.utf8, name) { return true }
      return false
    }
  }

  /// Whether a text can be one of the names.
  ///
  /// - Parameter text: the text.
  /// - Returns: whether it is a token (RFC 6265 §4.1.1).
  public static func isName(_ text: String) -> Bool {
    CookiePairs.isName(text)
  }

  private static func isSame(_ listed: String.UTF8View, _ name: Span<UInt8>) -> Bool {
    guard listed.count == name.count else { return false }
    for (index, byte) in listed.enumerated() where byte != name[index] { return false }
    return true
  }
}

extension CookieSelection: CustomStringConvertible {
  /// The selection as it stands in the settings.
  public var description: String {
    switch self {
    case .none: "none"
    case .pass: "pass"
    case .named(let names): "[\(names.joined(separator: ", "))]"
    }
  }
}
