internal import Wire

/// Which cookies an upstream may set at the client of a route.
///
/// A field passes as it is or not at all: path, domain and the other attributes are between upstream and browser. That a
/// name beginning with `__Host-` or `__Secure-` has the attributes it promises is for the browser to check, which
/// knows by which scheme it came; a cookie that lies is dropped there.
public struct SetCookiePolicy: Sendable, Equatable {
  /// Those cookies.
  public let selection: CookieSelection

  /// Makes a policy of a selection.
  public init(_ selection: CookieSelection) {
    self.selection = selection
  }

  /// Whether the client gets a `Set-Cookie` field.
  ///
  /// - Parameter value: its value.
  /// - Returns: `false` also, whatever is selected, for a cookie without a proper name and one with control characters.
  public func passes(_ value: Span<UInt8>) -> Bool {
    guard let name = SetCookie.nameRange(in: value) else { return false }
    return selection.contains(value.extracting(name))
  }
}
