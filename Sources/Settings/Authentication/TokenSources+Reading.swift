internal import Admission

extension TokenSources {
  /// Reads where in a request the token is.
  init(_ reader: SettingsReader, default standard: TokenSources) {
    let cookie = "the name of a cookie of at most 128 bytes, such as session"
    let query = "a name of at most 128 letters, digits, _, - and . other than run and last_event_id"
    self.init(
      header: reader.flag("header", default: standard.header, "Whether Authorization: Bearer may hold it."),
      cookie: reader.optional("cookie", allowed: cookie, "The cookie that may hold it; without it, none.") {
        $0.utf8.count <= 128 && CORSPolicy.isHeaderName($0) ? $0 : nil
      },
      query: reader.optional(
        "query", allowed: query, "The query parameter that may hold it, neither logged nor passed on; without it, none."
      ) { TokenSources.isParameter($0) ? $0 : nil })
    if reader.isClean, !header, self.cookie == nil, self.query == nil {
      reader.refuse("header", given: "no place for a token", allowed: "at least one of header, cookie and query")
    }
  }

  /// Names that mean something else here would make a token of it.
  private static func isParameter(_ name: String) -> Bool {
    (1...128).contains(name.utf8.count) && !["run", "last_event_id"].contains(name)
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }
  }
}
