import Testing
import Wire

@testable import Settings

@Suite struct SlowReaderSettingsTests {
  private func route(_ keys: String, action: String = "run") throws -> RouteSettings {
    let routes = "routes: [{path: /a, \(action): {upstream: chat}\(keys.isEmpty ? "" : ", \(keys)")}]"
    return try #require(try Settings.parse(yaml: MinimalFile.yaml(routes: routes), file: "gate.yaml").routes.first)
  }

  @Test func `a reader that is too slow is disconnected unless the route says otherwise`() throws {
    #expect(try route("").slowReaders == .disconnect)
    #expect(try route("").backpressure == false)
    #expect(try route("slow_readers: skip").slowReaders == .skip)
    #expect(try route("slow_readers: skip", action: "feed").slowReaders == .skip)
    #expect(try route("slow_readers: coalesce", action: "feed").slowReaders == .coalesce(CoalescingSettings()))
    #expect(try route("slow_readers: disconnect, backpressure: true").backpressure)
  }

  @Test func `chunks are recognised as the route says`() throws {
    let standard = CoalescingSettings()
    #expect(standard.type == "response_chunk" && standard.latest == [])
    #expect(standard.text == JSONPath("response_data.raw_response.parts[0].text"))
    #expect(
      try route("slow_readers: coalesce, coalesce: {type: token, text: delta, latest: [at]}").slowReaders
        == .coalesce(CoalescingSettings(type: "token", text: JSONPath("delta"), latest: ["at"])))
    #expect(
      try route("slow_readers: coalesce, coalesce: {data: text}").slowReaders
        == .coalesce(CoalescingSettings(text: nil)))
  }

  private static let name = "a name of 1 to 128 bytes without control characters"
  private static let path =
    "a path of at most 256 bytes such as choices[0].delta.content, each [0] the only item of its array"

  static let files: [(String, String)] = [
    ("slow_readers: drop", #"slow_readers: given "drop", allowed: one of disconnect, skip, coalesce"#),
    (
      "slow_readers: skip, coalesce: {}",
      "coalesce: given coalesce with slow_readers skip, allowed: coalesce only with slow_readers coalesce"
    ),
    ("backpressure: 1", #"backpressure: given "1", allowed: true or false"#),
    ("slow_readers: coalesce, coalesce: {type: ''}", #"coalesce.type: given "", allowed: \#(name)"#),
    ("slow_readers: coalesce, coalesce: {data: xml}", #"coalesce.data: given "xml", allowed: one of json, text"#),
    ("slow_readers: coalesce, coalesce: {text: a..b}", #"coalesce.text: given "a..b", allowed: \#(path)"#),
    ("slow_readers: coalesce, coalesce: {text: 'a[1]'}", #"coalesce.text: given "a[1]", allowed: \#(path)"#),
    (
      "slow_readers: coalesce, coalesce: {data: text, text: a}",
      "coalesce.text: given a path with data text, allowed: a path only where data is json"
    ),
    (
      "slow_readers: coalesce, coalesce: {text: a.b, latest: [c, a]}",
      #"coalesce.latest: given "a", allowed: members through which text does not lead"#
    ),
  ]

  @Test(arguments: files) func `what cannot be meant is refused`(_ keys: String, _ problem: String) {
    let yaml = MinimalFile.yaml(routes: "routes: [{path: /a, run: {upstream: chat}, \(keys)}]")
    #expect(BadFile.problems(in: yaml) == ["gate.yaml:6: routes[0].\(problem)"])
  }

  @Test(arguments: [(256, 0), (257, 1)]) func `a path has 256 bytes at most`(bytes: Int, problems: Int) {
    let path = String(repeating: "p", count: bytes)
    let keys = "slow_readers: coalesce, coalesce: {text: \(path)}"
    let yaml = MinimalFile.yaml(routes: "routes: [{path: /a, run: {upstream: chat}, \(keys)}]")
    #expect(BadFile.problems(in: yaml).count == problems)
  }

  @Test(arguments: [("coalesce", "511KiB", true), ("coalesce", "512KiB", false), ("skip", "256KiB", false)])
  func `texts can be merged only from what the log keeps`(policy: String, bytes: String, isWarned: Bool) throws {
    let yaml = MinimalFile.yaml(
      routes: "routes: [{path: /a, host: a, run: {upstream: chat}, slow_readers: \(policy)}]",
      rest: "streams: {log: {bytes: \(bytes)}}")
    let warnings = try Settings.parse(yaml: yaml, file: "gate.yaml").warnings(in: .unknown)
    #expect(
      warnings.map(\.description)
        == (isWarned
          ? [
            "routes[0].slow_readers: streams.log keeps hardly more than a reader may lag (streams.client_buffer), so what "
              + "texts are merged from is gone at once and the reader is disconnected; take a larger streams.log.bytes"
          ] : []))
  }

  @Test func `a feed does not wait for its readers`() {
    let yaml = MinimalFile.yaml(routes: "routes: [{path: /a, feed: {upstream: chat}, backpressure: true}]")
    #expect(
      BadFile.problems(in: yaml) == [
        "gate.yaml:6: routes[0].backpressure: given true, allowed: false, because a feed does not wait for its readers"
      ])
  }
}
