import Testing

@testable import Settings

@Suite struct BadYAMLTests {
  @Test(arguments: yaml)
  func `what is no YAML, or more than is read of it, is refused`(file: BadFile) {
    file.expectProblems(in: MinimalFile.yaml(rest: file.text))
  }

  @Test(arguments: whole)
  func `what is no mapping is refused as a whole`(file: BadFile) {
    file.expectProblems(in: file.text)
  }
}

extension BadYAMLTests {
  static let yaml: [BadFile] = [
    BadFile("<<: [1]", #":9: <<: given "1", allowed: an alias of a mapping, or a list of them"#),
    BadFile(
      "streams: {heartbeat: !!int 1}",
      ":9: streams.heartbeat: given the tag tag:yaml.org,2002:int, allowed: values without tags"),
    BadFile("drain: !drain {deadline: 1s}", ":9: drain: given the tag !drain, allowed: values without tags"),
    BadFile("? [a]", ":9: given a key that is no text, allowed: names as keys"),
    BadFile(
      "streams: {heartbeat: 15s, heartbeat: 16s}",
      ":9: streams.heartbeat: given the key again after line 9, allowed: each key once"),
    BadFile(
      "listen: []",
      ":9: listen: given the key again after line 1, allowed: each key once",
      ":9: listen: given a list of 0, allowed: a list of 1 to 64 mappings"),
    BadFile("streams: {heartbeat: 15s", #":10: \#(openFlow), allowed: \#(document)"#),
    BadFile("streams: {heartbeat: *h}", #":9: given broken YAML (found undefined alias), allowed: \#(document)"#),
    BadFile("streams:\n\theartbeat: 15s", #":10: \#(strayTab), allowed: \#(document)"#),
    BadFile(
      "a: b: c",
      #":9: given broken YAML (mapping values are not allowed in this context), allowed: \#(document)"#),
    BadFile(
      "log:\r\n  # é\r\n  level: \u{1}info",
      #":11: given broken YAML (control characters are not allowed), allowed: \#(document)"#),
    BadFile("---\nx-a: 1", #":9: \#(twoDocuments), allowed: \#(document)"#),
    BadFile(
      #"streams: {"heartbeat": 15s, heartbeat: 1, 'heartbeat': 17s}"#,
      ":9: streams.heartbeat: given the key again after line 9, allowed: each key once",
      ":9: streams.heartbeat: given the key again after line 9, allowed: each key once"),
    BadFile(
      "streams: {&a heartbeat: 15s, heartbeat: 1s}",
      ":9: streams.&a heartbeat: given the key again, allowed: each key once"),
    BadFile(
      "x-a: {&k heartbeat: 15s, *k : 1s}",
      #":9: given "heartbeat" more than once in one mapping, allowed: each key once"#),
  ]

  static let whole: [BadFile] = [
    BadFile("", #": given nothing, allowed: \#(root)"#),
    BadFile("[]", #":1: given a list, allowed: \#(root)"#),
    BadFile("text", #":1: given "text", allowed: \#(root)"#),
    BadFile("# nothing", #": given nothing, allowed: \#(root)"#),
    BadFile(
      "{}",
      ":1: listen: given nothing, allowed: a list of 1 to 64 mappings",
      ":1: routes: given nothing, allowed: a list of 1 to 1024 mappings"),
  ]

  static let time = "a time in whole milliseconds with its unit (ms, s, m, h, d)"
  static let root = "a mapping with listen, upstreams and routes"
  static let document = "one well-formed document"
  static let openFlow =
    "given broken YAML (while parsing a flow mapping from line 9, did not find expected ',' or '}')"
  static let strayTab =
    "given broken YAML (while scanning for the next token from line 10, found character that cannot start any token)"
  static let twoDocuments =
    "given broken YAML (expected a single document in the stream from line 1, but found another document)"
}
