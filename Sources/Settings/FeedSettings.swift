import Admission

/// A route that shares one long-lived upstream request among all subscribers of one key.
public struct FeedSettings: Sendable, Equatable {
  /// The name of the upstream that answers.
  public var upstream: String
  /// The path of the request to it; of a prefix, what the client asked for below the route's prefix follows.
  public var path: PathPattern
  /// Names of request header fields that are passed on and part of the key, lower case; at most 16.
  public var headers: [String]
  /// Whether all subscribers share it, whoever they are; no credentials reach the upstream then.
  public var isPublic: Bool
  /// How long a subscriber's answer waits for the upstream's status before the stream begins without it; 0 to 30 s.
  public var answerAfter: Duration
  /// How long the upstream may send nothing before it is asked anew; zero for as long as it likes, up to 1 d.
  public var idleTimeout: Duration
  /// How long to wait before the upstream is asked again after an end or a failure.
  public var backoff: BackoffSettings

  /// Puts a feed's settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - upstream: the name of the upstream that answers.
  ///   - path: the path of the request to it.
  ///   - headers: names of header fields that are part of the key, lower case.
  ///   - isPublic: whether all subscribers share it.
  ///   - answerAfter: how long a subscriber's answer waits for the upstream's status.
  ///   - idleTimeout: how long the upstream may send nothing.
  ///   - backoff: how long to wait before the upstream is asked again.
  public init(
    upstream: String, path: PathPattern, headers: [String] = [], isPublic: Bool = false,
    answerAfter: Duration = RunSettings.defaultAnswerAfter, idleTimeout: Duration = .zero,
    backoff: BackoffSettings = .default
  ) {
    self.upstream = upstream
    self.path = path
    self.headers = headers
    self.isPublic = isPublic
    self.answerAfter = answerAfter
    self.idleTimeout = idleTimeout
    self.backoff = backoff
  }
}

extension FeedSettings {
  /// Reads a feed; `nil` if a part without default was missing or wrong, which the reader has noted.
  init?(_ reader: SettingsReader, upstreams: [String]?, route: PathPattern?, answerAfter: Duration) {
    let upstream = reader.upstream(among: upstreams)
    let path: PathPattern? = reader.optional(
      "path", allowed: PathPattern.allowed,
      "The path of the request to it, with /** as the route's has it; without it, the route's."
    ) { PathPattern($0) }
    let header = "the name of a header field of at most 128 bytes, such as Accept-Language"
    let headers = reader.values(
      "headers", default: [String](), count: 0...16, allowed: header,
      "Header fields that are passed on, and tell feeds apart beside path and query."
    ) { text throws(Mismatch) in
      let name = text.lowercased()
      guard text.utf8.count <= 128, CORSPolicy.isHeaderName(text) else { throw Mismatch(header) }
      guard !FeedSettings.ownHeaders.contains(name) else {
        throw Mismatch("a header field that the gateway does not set itself; credentials have forward_credentials")
      }
      return name
    }
    let isPublic = reader.flag(
      "public", default: false,
      "Whether all subscribers share a feed, whoever they are; without, each identity has its own.")
    let idleTimeout = reader.duration(
      "idle_timeout", default: .zero, in: .zero ... .seconds(86400),
      "How long the upstream may send nothing before it is asked anew; 0s = as long as it likes.")
    let backoff = reader.section(
      "backoff", "How long to wait before the upstream is asked again: longer each time, for each gateway another time."
    ) { BackoffSettings($0) }
    guard let upstream, let route else { return nil }
    if case (.prefix, .exact) = (path ?? route, route) {
      reader.refuse("path", given: "\"\(path ?? route)\"", allowed: "one path, because the route's is only one")
      return nil
    }
    self.init(
      upstream: upstream, path: path ?? route, headers: headers, isPublic: isPublic, answerAfter: answerAfter,
      idleTimeout: idleTimeout, backoff: backoff)
  }

  /// What the gateway decides about, and what belongs to one hop or one client.
  private static let ownHeaders: Set<String> = [
    "accept", "accept-encoding", "authorization", "cache-control", "connection", "content-length", "content-type",
    "cookie", "expect", "forwarded", "host", "keep-alive", "last-event-id", "origin", "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  ]
}

/// How long to wait before something is tried again: twice as long each time, within bounds.
public struct BackoffSettings: Sendable, Equatable {
  /// The time after the first failure; 10 ms to 1 h and at most `max`.
  public var min: Duration
  /// The longest time; 10 ms to 1 h.
  public var max: Duration

  /// Puts the times together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - min: the time after the first failure.
  ///   - max: the longest time.
  public init(min: Duration, max: Duration) {
    self.min = min
    self.max = max
  }

  /// What holds where the file says nothing.
  public static let `default` = BackoffSettings(min: .milliseconds(500), max: .seconds(30))
}

extension BackoffSettings {
  init(_ reader: SettingsReader) {
    let standard = BackoffSettings.default
    let bounds = Duration.milliseconds(10) ... .seconds(3600)
    self.init(
      min: reader.duration(
        "min", default: standard.min, in: bounds, "After the first end or failure; at most max."),
      max: reader.duration("max", default: standard.max, in: bounds, "The longest time."))
    if reader.isClean, min > max {
      reader.refuse(
        "min", or: "max", given: UnitScale.text(for: min), allowed: "at most max, which is \(UnitScale.text(for: max))")
    }
  }
}
