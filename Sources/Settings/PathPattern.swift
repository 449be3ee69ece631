/// Which paths a route serves.
public enum PathPattern: Sendable, Hashable {
  /// This path alone.
  case exact(String)
  /// Every path that begins with this text, which ends in a slash.
  case prefix(String)

  static let allowed =
    "a path such as /chat, or /chat/** for all below it; no query, spaces, * or empty, . and .. segments, "
    + "at most 1024 bytes"

  /// Reads a pattern as it stands in the settings: `/path`, or `/path/**` for everything below.
  ///
  /// `nil` for what is no absolute path in its only sensible spelling.
  ///
  /// - Parameter text: the pattern.
  public init?(_ text: String) {
    let isPrefix = text.hasSuffix("/**")
    let path = String(isPrefix ? text.dropLast(2) : text[...])
    guard PathPattern.isPath(path) else { return nil }
    self = isPrefix ? .prefix(path) : .exact(path)
  }

  /// Whether a text is an absolute path as requests carry it (RFC 3986 §3.3), with nothing in it to resolve.
  static func isPath(_ text: String) -> Bool {
    guard text.hasPrefix("/"), text.utf8.count <= 1024, hasValidEscapes(text),
      text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"\"#*<>?[\\]^`{|}".utf8.contains($0) })
    else { return false }
    let segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    return !segments.dropLast().contains("") && !segments.contains(".") && !segments.contains("..")
  }

  private static func hasValidEscapes(_ text: String) -> Bool {
    text.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy { rest in
      let digits = rest.utf8.prefix(2)
      return digits.count == 2 && digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }
  }

  /// Whether the gateway's own paths (`/_sluice/…`) would be served by this pattern alone.
  var isReserved: Bool {
    switch self {
    case .exact(let path), .prefix(let path): path == "/_sluice" || path.hasPrefix("/_sluice/")
    }
  }
}

extension PathPattern: CustomStringConvertible {
  /// The pattern as it stands in the settings.
  public var description: String {
    switch self {
    case .exact(let path): path
    case .prefix(let path): "\(path)**"
    }
  }
}
