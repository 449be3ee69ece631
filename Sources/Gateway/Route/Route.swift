internal import Admission
internal import Bytes
internal import Settings
internal import Streams
internal import Wire

/// One file that the gateway itself serves.
public struct Asset: Sendable {
  /// The path it is served at.
  public var path: String
  /// Its media type.
  public var contentType: String
  /// What it holds.
  public var bytes: [UInt8]

  /// A file by its path.
  public init(path: String, contentType: String, bytes: [UInt8]) {
    self.path = path
    self.contentType = contentType
    self.bytes = bytes
  }

  var response: Response {
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", contentType)
    head.fields.append("Cache-Control", "no-cache")
    head.fields.append("Content-Security-Policy", "default-src 'self'")
    head.fields.append("X-Content-Type-Options", "nosniff")
    return Response(head, body: bytes)
  }
}

/// What to do with requests of one host and path; settings made ready for use.
final class Route {
  enum Action {
    /// One orchestrator request, kept as a run.
    case run(RunRoute)
    /// The gateway's own way to a run by its name, which begins at this position of the path.
    case runs(prefix: Int)
    /// A file of the gateway's own.
    case asset(Asset)
  }

  /// Whether only a request that names its origin, or comes from the same one, is served: each one costs.
  var isCostly: Bool {
    if case .asset = action { false } else { true }
  }

  /// The path as configured: the name of the route in log and metrics.
  let name: String
  let action: Action
  /// The methods that are served, `OPTIONS` left out.
  let methods: [String]
  /// The `Allow` field.
  let allow: String
  let cors: CORSPolicy

  init(name: String, action: Action, methods: [String], cors: CORSPolicy) {
    self.name = name
    self.action = action
    self.methods = methods
    allow = (methods + ["OPTIONS"]).joined(separator: ", ")
    self.cors = cors
  }
}

/// What a run route needs at each request.
struct RunRoute {
  let upstream: Upstream
  let method: Wire.Method
  let target: [UInt8]
  let forwardsCredentials: Bool
  let answerAfter: Duration
  let terminal: TerminalRule
  let streams: StreamSettings
  let retry: RetryTimes
  let logBounds: LogBounds
  let onAbandoned: OnAbandoned
  let identity: IdentitySettings
}

/// The reconnection times that clients are told: random, so that they don't come back as one herd.
struct RetryTimes {
  let milliseconds: ClosedRange<UInt64>

  func random() -> UInt64 { UInt64.random(in: milliseconds) }
}
