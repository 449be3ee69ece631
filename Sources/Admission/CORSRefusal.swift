/// Why a request from another origin was refused.
public enum CORSRefusal: Error, Sendable, Equatable {
  /// The origin is not in the route's list; the value is the `Origin` field as it came.
  case originNotListed(String)
  /// A preflight asked for a method that the route does not have.
  case methodNotAllowed(String)
  /// A preflight asked for a header field that is not allowed; the value is its name as it came.
  case headerNotAllowed(String)
  /// Another site's page asked without saying who it is: an element such as an image, or a link.
  case crossSiteWithoutOrigin

  /// The one word for this refusal in logs, metrics and problem documents.
  public var word: StaticString {
    switch self {
    case .originNotListed: "origin_not_listed"
    case .methodNotAllowed: "method_not_allowed"
    case .headerNotAllowed: "header_not_allowed"
    case .crossSiteWithoutOrigin: "cross_site_without_origin"
    }
  }
}

extension CORSRefusal: CustomStringConvertible {
  /// A sentence for people, naming the setting.
  ///
  /// Peers choose what is in quotes, up to its first 100 characters, so escape it where it is shown.
  public var description: String {
    switch self {
    case .originNotListed(let origin): "origin \(Self.quoted(origin)) is not one of this route's cors.origins"
    case .methodNotAllowed(let method): "method \(Self.quoted(method)) is not one of this route's methods"
    case .headerNotAllowed(let name):
      "header field \(Self.quoted(name)) is not one of this route's cors.allowed_headers"
    case .crossSiteWithoutOrigin: "the request comes from another site's page, which did not name its origin"
    }
  }

  private static func quoted(_ text: String) -> String {
    // Scalars and not characters, of which one can be of any length.
    let shown = text.unicodeScalars.prefix(100)
    return "\"\(Substring(shown))\(shown.endIndex < text.endIndex ? "…" : "")\""
  }
}
