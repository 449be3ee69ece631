internal import Admission
internal import Bytes
internal import Settings
internal import Streams
internal import Wire

/// What to do with requests of one host and path; settings made ready for use.
final class Route {
  enum Action {
    /// One orchestrator request, kept as a run.
    case run(RunRoute)
    /// One long-lived upstream request for all subscribers of one key.
    case feed(FeedRoute)
    /// The gateway's own way to a run by its name, which begins at this position of the path.
    case runs(prefix: Int)
    /// Opens and resumes muxes.
    case mux(MuxRules)
    /// Opens and closes streams of the mux whose name begins at this position of the path.
    case muxes(prefix: Int, MuxRules)
    /// Gives out one-time tickets.
    case tickets
    /// A file of the gateway's own.
    case asset(Asset)
  }

  /// Whether only a request that names its origin, or comes from the same one, is served: each one costs.
  var isCostly: Bool {
    if case .asset = action { false } else { true }
  }

  /// Whether its answers count as streams; of a mux, the streams that it carries do.
  var isStream: Bool {
    switch action {
    case .run, .feed, .runs: true
    case .mux, .muxes, .tickets, .asset: false
    }
  }

  /// Whether the stream's home has the answer for a client that can't be moved there; nobody but its home resumes a mux.
  var isAnsweredAtHome: Bool {
    if case .mux = action { false } else { true }
  }

  /// The path as configured: the name of the route in log and metrics.
  let name: String
  /// Host and path: what no other route has.
  let key: String
  let action: Action
  /// The methods that are served, `OPTIONS` left out.
  let methods: [String]
  /// The `Allow` field.
  let allow: String
  let cors: CORSPolicy
  /// How a GET hears that a limit has no room.
  let refusal: RefusalForm
  /// What is asked of clients.
  var authentication: AuthenticationSettings?
  /// Who judges tokens; `nil` where nobody is asked for one.
  var tokens: TokenGate?
  /// Who is asked about clients; `nil` where nobody is.
  var authorizer: Authorizer?

  init(
    name: String, host: String? = nil, action: Action, methods: [String], cors: CORSPolicy,
    refusal: RefusalForm = .status
  ) {
    self.name = name
    key = Self.key(host, name)
    self.action = action
    self.methods = methods
    allow = (methods + ["OPTIONS"]).joined(separator: ", ")
    self.cors = cors
    self.refusal = refusal
  }

  /// The key of a route: its host, where it has one, and its path.
  static func key(_ host: String?, _ name: String) -> String { (host ?? "") + name }
}

/// What a run route needs at each request.
struct RunRoute {
  /// The route's key.
  let key: String
  let upstream: Upstream
  let method: Wire.Method
  let target: [UInt8]
  let credentials: CredentialForwarding
  let answerAfter: Duration
  let terminal: TerminalRule
  let terminalField: String
  let rules: StreamRules
  let onAbandoned: OnAbandoned
  /// Whether a run waits for its only reader.
  let backpressure: Bool
  let setCookie: SetCookiePolicy
  let refusal: RefusalForm
}

/// What a feed route needs at each request.
struct FeedRoute {
  let upstream: Upstream
  let path: FeedPath
  let keyHeaders: [[UInt8]]
  let isPublic: Bool
  let credentials: CredentialForwarding
  let answerAfter: Duration
  let idleTimeout: Duration
  let backoff: ClosedRange<Duration>
  let terminalField: String
  let rules: StreamRules
  /// How long it goes on without subscribers.
  let linger: Duration
  let refusal: RefusalForm
}

/// The path that a feed's upstream is asked for.
enum FeedPath {
  /// Always this one.
  case fixed([UInt8])
  /// What comes before the part that the client chose; the position in the client's path where that begins.
  case prefixed([UInt8], from: Int)

  /// The path for a client's.
  func target(for path: [UInt8]) -> [UInt8] {
    switch self {
    case .fixed(let fixed): fixed
    case .prefixed(let prefix, let start): prefix + path[start...]
    }
  }
}

/// The reconnection times that clients are told: random, so that they don't come back as one herd.
struct RetryTimes {
  let milliseconds: ClosedRange<UInt64>

  func random() -> UInt64 { UInt64.random(in: milliseconds) }
}
