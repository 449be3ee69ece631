import Admission
import Testing

@testable import Settings

@Suite struct CredentialSettingsTests {
  @Test(arguments: [
    ("{}", CredentialForwarding.none), ("forward_credentials: false", .none), ("forward_credentials: true", .all),
    ("forward_credentials: {}", .none), ("forward_credentials:", .none),
    ("forward_credentials: {authorization: true}", CredentialForwarding(authorization: true, cookies: .none)),
    ("forward_credentials: {authorization: true, cookies: pass}", .all),
    ("forward_credentials: {authorization: false, cookies: none}", .none),
    (
      "forward_credentials: {cookies: [sid, __Host-id]}",
      CredentialForwarding(authorization: false, cookies: .named(["sid", "__Host-id"]))
    ),
    (
      "forward_credentials:\n  authorization: true\n  cookies:\n    - none\n    - '7'",
      CredentialForwarding(authorization: true, cookies: .named(["none", "7"]))
    ),
  ])
  func `credentials are forwarded all, none or in part`(yaml: String, expected: CredentialForwarding) throws {
    #expect(try PartialFile.value(yaml) { CredentialForwarding.read($0) } == expected)
  }

  static let cookie = "the name of a cookie of at most 128 bytes, such as session"
  static let cookies = "none, pass, or a list of 1 to 64 items, each \(cookie)"

  @Test(arguments: [
    BadFile("forward_credentials: 1", #":1: forward_credentials: given "1", allowed: a mapping, or true or false"#),
    BadFile("forward_credentials: all", #":1: forward_credentials: given "all", allowed: a mapping, or true or false"#),
    BadFile(
      "forward_credentials: [sid]", ":1: forward_credentials: given a list, allowed: a mapping, or true or false"),
    BadFile(
      "forward_credentials: {authorization: yes}",
      #":1: forward_credentials.authorization: given "yes", allowed: true or false"#),
    BadFile(
      "forward_credentials: {cookies: true}",
      #":1: forward_credentials.cookies: given "true", allowed: \#(cookies)"#),
    BadFile(
      "forward_credentials: {cookies: }", ":1: forward_credentials.cookies: given nothing, allowed: \(cookies)"),
    BadFile(
      "forward_credentials: {cookies: []}",
      ":1: forward_credentials.cookies: given a list of 0, allowed: \(cookies)"),
    BadFile(
      "forward_credentials: {cookie: [sid]}",
      ":1: forward_credentials.cookie: given an unknown key, allowed: one of authorization, cookies; "
        + "did you mean cookies?"),
  ])
  func `what is no choice of credentials is refused`(file: BadFile) {
    #expect(PartialFile.read(file.text) { CredentialForwarding.read($0) }.problems == file.problems)
  }

  @Test(arguments: [
    ("{}", CookieSelection.none), ("set_cookie: none", .none), ("set_cookie: 'none'", .none),
    ("set_cookie: pass", .pass),
    ("set_cookie: [sid]", .named(["sid"])), ("set_cookie: [pass, none]", .named(["pass", "none"])),
  ])
  func `cookies are set all, none or by name`(yaml: String, expected: CookieSelection) throws {
    #expect(try PartialFile.value(yaml) { SetCookiePolicy.read($0) } == SetCookiePolicy(expected))
  }

  @Test(arguments: [
    BadFile("set_cookie: all", #":1: set_cookie: given "all", allowed: \#(cookies)"#),
    BadFile("set_cookie: {sid: true}", ":1: set_cookie: given a mapping, allowed: \(cookies)"),
    BadFile("set_cookie: []", ":1: set_cookie: given a list of 0, allowed: \(cookies)"),
    BadFile(
      "set_cookie:\n  - sid\n  - sid", #":3: set_cookie[1]: given "sid" again, allowed: each item once"#),
    BadFile("set_cookie: [a b]", #":1: set_cookie[0]: given "a b", allowed: \#(cookie)"#),
    BadFile("set_cookie: ['']", #":1: set_cookie[0]: given "", allowed: \#(cookie)"#),
    BadFile("set_cookie: [null]", ":1: set_cookie[0]: given nothing, allowed: \(cookie)"),
    BadFile("set_cookie: [[sid]]", ":1: set_cookie[0]: given a list, allowed: \(cookie)"),
    BadFile("set_cookie: ['a=b', 'c;d']", names: ["a=b", "c;d"]),
  ])
  func `what is no selection of cookies is refused`(file: BadFile) {
    #expect(PartialFile.read(file.text) { SetCookiePolicy.read($0) }.problems == file.problems)
  }

  @Test func `a name of a cookie is at most 128 bytes, and a list at most 64 names`() {
    let name = String(repeating: "a", count: 128)
    #expect(PartialFile.read("set_cookie: [\(name)]") { SetCookiePolicy.read($0) }.problems == [])
    #expect(PartialFile.read("set_cookie: [\(name)a]") { SetCookiePolicy.read($0) }.problems.count == 1)
    let list = { (count: Int) in "set_cookie: [\((0..<count).map { "c\($0)" }.joined(separator: ", "))]" }
    #expect(PartialFile.read(list(64)) { SetCookiePolicy.read($0) }.problems == [])
    #expect(
      PartialFile.read(list(65)) { SetCookiePolicy.read($0) }.problems == [
        ":1: set_cookie: given a list of 65, allowed: \(Self.cookies)"
      ])
  }
}

extension BadFile {
  /// A list in line 1 whose items are no names of cookies.
  fileprivate init(_ text: String, names: [String]) {
    self.text = text
    problems = names.enumerated().map { index, name in
      ":1: set_cookie[\(index)]: given \"\(name)\", allowed: \(CredentialSettingsTests.cookie)"
    }
  }
}
