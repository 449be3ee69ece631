import Testing
import Wire

@testable import Admission

@Suite struct TokenSourcesTests {
  private static let everywhere = TokenSources(header: true, cookie: "session", query: "access_token")

  private func fields(_ pairs: [(StaticString, String)]) -> FieldSection {
    var fields = FieldSection()
    for (name, value) in pairs { fields.append(name, value) }
    return fields
  }

  /// The token, or the word for why there is none.
  private func found(
    _ pairs: [(StaticString, String)] = [], query: String = "", by sources: TokenSources = everywhere
  ) -> String {
    let query = Array(query.utf8)
    do throws(TokenRefusal) {
      return String(decoding: try sources.token(in: fields(pairs), query: query.span), as: UTF8.self)
    } catch {
      return "\(error.word)"
    }
  }

  @Test func `a token is found where the route looks for it and nowhere else`() {
    let request: [(StaticString, String)] = [("Authorization", "Bearer h"), ("Cookie", "session=c")]
    let sources: [(TokenSources, String)] = [
      (TokenSources(header: true, cookie: nil, query: nil), "h"),
      (TokenSources(header: false, cookie: "session", query: nil), "c"),
      (TokenSources(header: false, cookie: nil, query: "access_token"), "q"),
      (TokenSources(header: false, cookie: "other", query: nil), "token_missing"),
      (TokenSources(header: false, cookie: nil, query: "other"), "token_missing"),
      (TokenSources(header: false, cookie: nil, query: nil), "token_missing"),
      (Self.everywhere, "token_ambiguous"),
    ]
    for (sources, expected) in sources {
      #expect(found(request, query: "access_token=q", by: sources) == expected)
    }
    #expect(found() == "token_missing")
  }

  static let headers: [(String, String)] = [
    ("Bearer a.b.c", "a.b.c"), ("bearer a.b.c", "a.b.c"), ("BEARER a.b.c", "a.b.c"), ("Bearer   a.b.c", "a.b.c"),
    ("Bearer a b", "a b"), ("Bearer a, Bearer b", "a, Bearer b"), ("Bearer", "token_malformed"),
    ("Basic YTpi", "token_missing"), ("Bearera.b.c", "token_missing"), ("Bearer\ta.b.c", "token_missing"),
    ("", "token_missing"), ("a.b.c", "token_missing"), ("Digest Bearer a", "token_missing"),
  ]

  @Test(arguments: headers)
  func `the scheme is Bearer in any case, and what follows is the token`(value: String, expected: String) {
    #expect(found([("Authorization", value)]) == expected)
  }

  @Test func `two Authorization fields are one too many`() {
    #expect(found([("Authorization", "Bearer a"), ("authorization", "Bearer a")]) == "token_ambiguous")
    #expect(found([("Authorization", "Basic x"), ("Authorization", "Bearer a")]) == "token_ambiguous")
  }

  static let cookies: [([String], String)] = [
    (["session=a.b.c"], "a.b.c"), (["x=1; session=a.b.c; y=2"], "a.b.c"), (["x=1;session=a.b.c;y=2"], "a.b.c"),
    (["  session=a.b.c  "], "a.b.c"), (["x=1", "session=a.b.c"], "a.b.c"), (["session=\"a.b.c\""], "a.b.c"),
    (["session=a=b"], "a=b"), (["session=a; session=a"], "a"), (["session=a", "session=a"], "a"),
    (["session=; session=a"], "a"), (["session="], "token_missing"), (["session"], "token_missing"),
    (["session=\"\""], "token_missing"), (["Session=a"], "token_missing"), (["xsession=a"], "token_missing"),
    (["sessionx=a"], "token_missing"), (["x=session=a"], "token_missing"), (["session =a"], "token_missing"),
    ([""], "token_missing"), ([";;;"], "token_missing"), (["session=\""], "\""),
    (["session=a; session=b"], "token_ambiguous"), (["session=a", "session=b"], "token_ambiguous"),
  ]

  @Test(arguments: cookies)
  func `a cookie is found by its whole name in any field`(values: [String], expected: String) {
    #expect(found(values.map { ("Cookie", $0) }) == expected)
  }

  static let queries: [(String, String)] = [
    ("access_token=a.b.c", "a.b.c"), ("x=1&access_token=a.b.c&y=2", "a.b.c"), ("&&access_token=a&&", "a"),
    ("access%5Ftoken=a%2Eb%2Ec", "a.b.c"), ("access_token=a+b", "a b"), ("access_token=a=b", "a=b"),
    ("access_token=%00", "\0"), ("access_token=a&access_token=a", "a"), ("access_token=&access_token=a", "a"),
    ("access_token", "token_missing"), ("access_token=", "token_missing"), ("Access_Token=a", "token_missing"),
    ("xaccess_token=a", "token_missing"), ("x=access_token=a", "token_missing"), ("x;access_token=a", "token_missing"),
    ("access_token=a&access_token=b", "token_ambiguous"), ("access_token=a&access%5ftoken=b", "token_ambiguous"),
  ]

  @Test(arguments: queries)
  func `a parameter is found by its decoded name`(query: String, expected: String) {
    #expect(found(query: query) == expected)
  }

  @Test func `tokens that differ between places are refused, equal ones are one`() {
    let header: (StaticString, String) = ("Authorization", "Bearer a")
    #expect(found([header, ("Cookie", "session=a")], query: "access_token=a") == "a")
    #expect(found([header, ("Cookie", "session=a")], query: "access_token=b") == "token_ambiguous")
    #expect(found([header, ("Cookie", "session=b")]) == "token_ambiguous")
    #expect(found([header], query: "access_token=") == "a")
    #expect(found([("Authorization", "Basic x"), ("Cookie", "session=b")]) == "b")
    #expect(found([("Authorization", "Bearer"), ("Cookie", "session=b")]) == "token_malformed")
  }

  static let rests: [(String, String)] = [
    ("", ""), ("access_token=a", ""), ("access_token", ""), ("x=1&access_token=a&y=%20+2", "x=1&y=%20+2"),
    ("access_token=a&x=1", "x=1"), ("x=1&access_token=a", "x=1"), ("access%5ftoken=a&x", "x"),
    ("%61ccess_token=a&x=", "x="), ("access_token=a&access_token=b", ""), ("x=access_token", "x=access_token"),
    ("access_tokens=1", "access_tokens=1"), ("&&x=1&&", "x=1"),
  ]

  @Test(arguments: rests)
  func `a query is passed on without the token, however its name is written`(query: String, rest: String) {
    let bytes = Array(query.utf8)
    #expect(String(decoding: Self.everywhere.withoutToken(bytes.span), as: UTF8.self) == rest)
    let none = TokenSources(header: true, cookie: "session", query: nil)
    #expect(none.withoutToken(bytes.span) == bytes)
  }
}
