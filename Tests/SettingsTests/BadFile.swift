import Testing

@testable import Settings

/// A small valid file, whose parts tests replace.
enum MinimalFile {
  static let listen = """
    listen:
      - address: 127.0.0.1:8004
    """
  static let upstreams = """
    upstreams:
      chat:
        endpoints: [http://127.0.0.1:9000]
    """
  static let routes = """
    routes:
      - path: /process/stream
        run: {upstream: chat}
    """

  /// The file in lines: listen 1 and 2, upstreams 3 to 5, routes 6 to 8, the rest from 9.
  static func yaml(
    listen: String = listen, upstreams: String = upstreams, routes: String = routes, rest: String = ""
  ) -> String {
    [listen, upstreams, routes, rest].joined(separator: "\n") + "\n"
  }
}

/// A text with everything that is to be said about it, without the file's name.
struct BadFile: Sendable, CustomTestStringConvertible {
  let text: String
  let problems: [String]

  init(_ text: String, _ problems: String...) {
    self.text = text
    self.problems = problems
  }

  var testDescription: String { text }

  /// Expects exactly these problems in a file made of the text.
  func expectProblems(in yaml: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(BadFile.problems(in: yaml) == problems.map { "gate.yaml" + $0 }, sourceLocation: sourceLocation)
  }

  /// What is said about a file.
  static func problems(in yaml: String) -> [String] {
    do throws(SettingsError) {
      _ = try Settings.parse(yaml: yaml, file: "gate.yaml")
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }
}
