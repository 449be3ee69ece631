public import Admission

/// What a route does with its requests.
public enum RouteAction: Sendable, Equatable {
  /// Starts or joins a run.
  case run(RunSettings)
  /// Subscribes to a feed.
  case feed(FeedSettings)
}

/// How a client hears that a limit has no room for it.
public enum RefusalForm: String, Sendable, CaseIterable {
  /// By the status of the answer, 429 or 503.
  case status
  /// For a GET by an event in a stream that ends, because an EventSource shows its page nothing of any other answer.
  case stream
}

/// Which requests a route serves, and how.
public struct RouteSettings: Sendable, Equatable {
  /// The host that clients must have come to, lower case, without port; `nil` for every host without a route of its own.
  public var host: String?
  /// The paths it serves.
  public var path: PathPattern
  /// What it does.
  public var action: RouteAction
  /// What becomes of a run or feed that nobody watches any more.
  public var onAbandoned: OnAbandoned
  /// Which credentials reach the upstream.
  public var credentials: CredentialForwarding
  /// Which cookies the upstream may set at the client that began a run.
  public var setCookie = SetCookiePolicy(.none)
  /// How a client hears that a limit has no room for it.
  public var refusal = RefusalForm.status
  /// What becomes of a reader that lags too far.
  public var slowReaders = SlowReaders.disconnect
  /// Whether a run with one reader alone waits for it.
  public var backpressure = false
  /// How clients prove who they are; its own or the global one, `nil` where nobody is asked.
  public var authentication: AuthenticationSettings?
  /// Which other origins may use it: its own policy or the global one; `nil` where the file has neither, which means
  /// `CORSPolicy.sameOriginOnly`.
  public var cors: CORSPolicy?

  /// Puts a route together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - host: the host that clients must have come to.
  ///   - path: the paths it serves.
  ///   - action: what it does.
  ///   - onAbandoned: what becomes of a run or feed that nobody watches any more.
  ///   - credentials: which credentials reach the upstream.
  ///   - cors: which other origins may use it.
  public init(
    host: String?, path: PathPattern, action: RouteAction, onAbandoned: OnAbandoned = .default,
    credentials: CredentialForwarding = .none, cors: CORSPolicy? = nil
  ) {
    self.host = host
    self.path = path
    self.action = action
    self.onAbandoned = onAbandoned
    self.credentials = credentials
    self.cors = cors
  }
}

extension RouteSettings {
  /// Reads one route; `nil` if a part without default was missing or wrong, which the reader has noted.
  init?(
    _ reader: SettingsReader, upstreams: [String]?, cors: CORSPolicy?, authentication: AuthenticationSettings?
  ) {
    let path = RouteSettings.path(reader)
    let host = RouteSettings.host(reader)
    let answerAfter = reader.duration(
      "answer_after", default: RunSettings.defaultAnswerAfter, in: .zero ... .seconds(30),
      "How long the answer to a POST or a feed's waits for the upstream's status before the stream begins; 0s = not.")
    let onAbandoned = reader.text(
      "on_abandoned", default: OnAbandoned.default, allowed: OnAbandoned.allowed,
      "What becomes of a run or feed that nobody watches: cancel, linger for a time, or detach, which lets a run go on."
    ) { OnAbandoned($0) }
    let action = RouteSettings.action(reader, upstreams: upstreams, path: path, answerAfter: answerAfter)
    let credentials = CredentialForwarding.read(reader)
    let setCookie = SetCookiePolicy.read(reader)
    let refusal: RefusalForm = reader.choice(
      "refusal", default: .status,
      "How a GET hears that a limit has no room: by status, or by an event in a stream, since EventSource hides statuses."
    )
    let slowReaders = SlowReaders.read(reader)
    let backpressure = reader.flag(
      "backpressure", default: false,
      "Whether a run waits for its reader while it has only one, by leaving the upstream's bytes unread.")
    let own = reader.optionalSection("cors", "Which other origins may use this route; replaces the global one.") {
      CORSPolicy($0)
    }
    let proof = reader.optionalSection(
      "authentication", "How clients prove who they are; replaces the global one, and {} asks nobody."
    ) { AuthenticationSettings($0, upstreams: upstreams) }
    guard let path, let action else { return nil }
    if case .feed(let feed) = action, reader.isClean {
      if onAbandoned == .detach {
        reader.refuse(
          "on_abandoned", given: "detach", allowed: "cancel or linger, because a feed has no end of its own")
      }
      if backpressure {
        reader.refuse("backpressure", given: "true", allowed: "false, because a feed does not wait for its readers")
      }
      if feed.isPublic, credentials != .none {
        reader.refuse(
          "forward_credentials", given: "some of them",
          allowed: "none, because feed.public shares one answer among all clients")
      }
    }
    self.init(
      host: host, path: path, action: action, onAbandoned: onAbandoned, credentials: credentials, cors: own ?? cors)
    self.setCookie = setCookie
    self.refusal = refusal
    self.slowReaders = slowReaders
    self.backpressure = backpressure
    self.authentication = proof ?? authentication
  }

  /// What the route does: one of the sections that say so.
  private static func action(
    _ reader: SettingsReader, upstreams: [String]?, path: PathPattern?, answerAfter: Duration
  ) -> RouteAction? {
    let run = reader.optionalSection("run", "Start or join a run: one orchestrator request and its answer.") {
      RunSettings($0, upstreams: upstreams, route: path, answerAfter: answerAfter)
    }
    let feed = reader.optionalSection("feed", "Share one long-lived upstream request among all subscribers.") {
      FeedSettings($0, upstreams: upstreams, route: path, answerAfter: answerAfter)
    }
    switch (reader.has("run"), reader.has("feed")) {
    case (true, false): return run.map { .run($0) }
    case (false, true): return feed.map { .feed($0) }
    case (true, true): reader.refuse("feed", given: "run and feed", allowed: "one of run, feed")
    case (false, false): reader.refuse("run", given: "nothing", allowed: "one of run, feed, with a mapping below it")
    }
    return nil
  }

  private static func path(_ reader: SettingsReader) -> PathPattern? {
    let path: PathPattern? = reader.required(
      "path", allowed: PathPattern.allowed, "One path, or all below one with /** at the end."
    ) { PathPattern($0) }
    if let path, path.isReserved {
      reader.refuse("path", given: "\"\(path)\"", allowed: "a path outside /_sluice/, where the gateway's own are")
      return nil
    }
    return path
  }

  private static func host(_ reader: SettingsReader) -> String? {
    reader.optional(
      "host", allowed: "a host name or address without scheme, port, * or dot at its end",
      "The host that clients must have come to; without it, every host without such a route."
    ) { text in
      text.hasSuffix(".") ? nil : Host(text)?.description
    }
  }
}

extension RunSettings {
  fileprivate init?(_ reader: SettingsReader, upstreams: [String]?, route: PathPattern?, answerAfter: Duration) {
    let upstream = reader.upstream(among: upstreams)
    let method = reader.choice(
      "method", default: RunSettings.defaultMethod, among: ["POST", "PUT"], "The method of the request to it.")
    let ownPath: String? = reader.optional(
      "path", allowed: "a path such as /chat, without query", "The path of the request to it; without it, the route's."
    ) { PathPattern.isPath($0) ? $0 : nil }
    guard let route, let path = ownPath ?? route.onlyPath else {
      if route != nil && !reader.has("path") {
        reader.refuse("path", given: "nothing", allowed: "a path, because the route's own is not just one")
      }
      return nil
    }
    guard let upstream else { return nil }
    self.init(upstream: upstream, method: method, path: path, answerAfter: answerAfter)
  }
}

extension SettingsReader {
  /// The name of the upstream that answers.
  func upstream(among upstreams: [String]?) -> String? {
    let names = (upstreams ?? []).joined(separator: ", ")
    return required(
      "upstream", allowed: names.isEmpty ? "one of the upstreams, but there are none" : "one of \(names) (upstreams)",
      "The upstream that answers."
    ) {
      // Where upstreams could not be read at all, that is the problem to solve first.
      upstreams?.contains($0) != false ? $0 : nil
    }
  }
}

extension PathPattern {
  fileprivate var onlyPath: String? {
    if case .exact(let path) = self { path } else { nil }
  }
}
