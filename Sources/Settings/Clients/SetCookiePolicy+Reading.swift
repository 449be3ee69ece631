import Admission

extension SetCookiePolicy {
  /// Reads the key `set_cookie` of a route.
  static func read(_ reader: SettingsReader) -> SetCookiePolicy {
    SetCookiePolicy(
      reader.cookies(
        "set_cookie", "Which cookies the upstream may set at the client: none, pass for all, or a list of names."))
  }
}
