import Admission

/// What makes a client the one that began a run: equal values of all of these.
///
/// A run begun by a client that sent none of them is opened by its id alone.
public struct IdentitySettings: Sendable, Equatable {
  /// Names of request header fields, lower case; at most 16, each at most 128 bytes, never `cookie`.
  public var headers: [String]
  /// Names of cookies; at most 16, each at most 128 bytes.
  public var cookies: [String]

  /// Puts identity settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - headers: names of request header fields, lower case.
  ///   - cookies: names of cookies.
  public init(headers: [String], cookies: [String]) {
    self.headers = headers
    self.cookies = cookies
  }

  /// What holds where the file says nothing.
  public static let `default` = IdentitySettings(headers: ["authorization"], cookies: [])
}

extension IdentitySettings {
  init(_ reader: SettingsReader) {
    let standard = IdentitySettings.default
    let header = "the name of a header field of at most 128 bytes, such as Authorization"
    let cookie = "the name of a cookie of at most 128 bytes, such as session"
    self.init(
      headers: reader.values(
        "headers", default: standard.headers, count: 0...16, allowed: header,
        "The header fields whose values tell clients apart."
      ) { text throws(Mismatch) in
        let name = try IdentitySettings.name(text, allowed: header).lowercased()
        // Of all cookies together one changes with every page, and nobody could resume.
        guard name != "cookie" else { throw Mismatch("a header field other than Cookie; cookies names single ones") }
        return name
      },
      cookies: reader.values(
        "cookies", default: standard.cookies, count: 0...16, allowed: cookie, "The cookies whose values do."
      ) { text throws(Mismatch) in try IdentitySettings.name(text, allowed: cookie) })
  }

  /// Names of cookies are tokens as those of header fields are (RFC 6265 §4.1.1).
  private static func name(_ text: String, allowed: String) throws(Mismatch) -> String {
    guard text.utf8.count <= 128, CORSPolicy.isHeaderName(text) else { throw Mismatch(allowed) }
    return text
  }
}
