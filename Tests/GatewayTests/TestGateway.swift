import Admission
import Gateway
import Logging
import Reactor
import Settings
import Testing

/// A gateway in this process, on a free port, in front of orchestrators that the test plays.
final class TestGateway {
  let gateway: Gateway
  let port: UInt16
  /// What it was started with.
  let settings: Settings
  let log = TestLog()
  private var subscribers: [TestSocket] = []

  static let path = "/process/stream"

  init(
    upstream ports: [UInt16], streams: StreamSettings = .default, clients: ClientSettings = .default,
    upstreamSettings: ((UpstreamSettings) -> UpstreamSettings)? = nil, answerAfter: Duration = .zero,
    onAbandoned: OnAbandoned = .cancel, credentials: CredentialForwarding = .none, cors: CORSPolicy? = nil,
    host: String = "127.0.0.1", feed: FeedSettings? = nil, stateDirectory: StateDirectory = .none,
    routePath: String = TestGateway.path, workers: Int = 1, changing change: (inout Settings) -> Void = { _ in }
  ) throws {
    // As the process does; OpenSSL writes without MSG_NOSIGNAL.
    SignalWatch.ignoreBrokenPipes()
    let endpoints = ports.map { EndpointAddress(host: host, port: $0) }
    let upstream = UpstreamSettings.default(endpoints: endpoints)
    let run = RunSettings(upstream: "chat", method: "POST", path: "/run", answerAfter: answerAfter)
    let actions: [(PathPattern, RouteAction)] =
      [(.exact(routePath), .run(run))] + (feed.map { [(.prefix("/events/"), .feed($0))] } ?? [])
    var settings = Settings(
      listen: [.ipv4(host: "127.0.0.1", port: 0)],
      upstreams: ["chat": upstreamSettings?(upstream) ?? upstream],
      routes: actions.map { path, action in
        RouteSettings(
          host: nil, path: path, action: action, onAbandoned: onAbandoned, credentials: credentials, cors: cors)
      },
      cors: cors, identity: .default, streams: streams, clients: clients, stateDirectory: stateDirectory,
      drain: .default, log: .default)
    settings.workers = .number(workers)
    change(&settings)
    self.settings = settings
    let log = log
    gateway = try Gateway(settings, logger: Logger(label: "test") { _ in log })
    port = gateway.addresses[0].port
  }

  /// Ends the gateway; every run that is left ends with it.
  func stop() {
    // Who stays after the end is waited for.
    for subscriber in subscribers { subscriber.endWrites() }
    gateway.drain(within: .zero)
    gateway.waitUntilDrained()
  }

  func connect() throws -> TestSocket { try TestSocket(port: port) }

  /// Sends a GET as an EventSource would.
  func get(_ query: String = "message=hi", fields: String = "") throws -> TestSocket {
    let client = try connect()
    try client.send("GET \(Self.path)?\(query) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
    return client
  }

  /// A feed of the path below `/events/`, asked for below `/up/`.
  static func feed(
    headers: [String] = [], isPublic: Bool = false, answerAfter: Duration = .zero, idleTimeout: Duration = .zero,
    backoff: ClosedRange<Duration> = .milliseconds(10) ... .milliseconds(40)
  ) -> FeedSettings {
    FeedSettings(
      upstream: "chat", path: .prefix("/up/"), headers: headers, isPublic: isPublic, answerAfter: answerAfter,
      idleTimeout: idleTimeout, backoff: BackoffSettings(min: backoff.lowerBound, max: backoff.upperBound))
  }

  /// Subscribes to a feed as an EventSource would.
  func subscribe(_ target: String = "/events/room", fields: String = "") throws -> TestSocket {
    let client = try connect()
    try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
    subscribers.append(client)
    return client
  }

  /// Waits until every request that was sent before has been taken: the loop takes them in their order.
  func settle() throws {
    let client = try connect()
    try client.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _ = try client.read(through: "\r\n\r\n")
  }

  /// Sends a POST as a fetch client would.
  func post(_ body: String = #"{"message":"hi"}"#, fields: String = "") throws -> TestSocket {
    let client = try connect()
    try client.send(
      "POST \(Self.path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
    return client
  }
}

/// Keeps log lines so that a test can wait for one.
struct TestLog: LogHandler {
  struct Line: Sendable {
    let event: String
    let values: [String: String]
  }

  private let lines = Locked<[Line]>([])
  var logLevel = Logger.Level.trace
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let values = (event.metadata ?? [:]).mapValues { "\($0)" }
    let line = Line(event: "\(event.message)", values: values)
    lines.change { $0.append(line) }
  }

  /// The n-th line of an event, waited for.
  func wait(for event: String, number: Int = 1) -> Line {
    lines.wait { lines in
      let found = lines.filter { $0.event == event }
      return found.count >= number ? found[number - 1] : nil
    }
  }

  /// How many lines of an event there are now.
  func count(of event: String) -> Int {
    lines.withLock { lines in lines.filter { $0.event == event }.count }
  }
}
