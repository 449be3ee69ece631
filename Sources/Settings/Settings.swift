public import Admission

/// Everything an operator can choose, checked as a whole: one value for the life of a configuration.
///
/// It comes from a YAML file (`load`, `parse`), or is put together or changed in code, by tests and the demonstration;
/// only what comes from a file is checked.
public struct Settings: Sendable, Equatable {
  /// Where clients come in; at least one, port 0 lets the kernel choose.
  public var listen: [ListenerSettings]
  /// The pools of orchestrators by name.
  public var upstreams: [String: UpstreamSettings] {
    didSet {
      let new = upstreams.keys.filter { oldValue[$0] == nil }.sorted()
      upstreamNames = upstreamNames.filter { upstreams[$0] != nil } + new
    }
  }
  /// The names of `upstreams` in the order of the file; those put there in code come last, in alphabetical order.
  public private(set) var upstreamNames: [String]
  /// What is served; at least one, in the order of the file, no two for the same host and path.
  public var routes: [RouteSettings]
  /// Which other origins may use the gateway's own paths below `/_sluice/`, and routes without a policy of their own;
  /// `nil` where the file has no such policy, which means `CORSPolicy.sameOriginOnly`.
  public var cors: CORSPolicy?
  /// What makes a client the one that began a run.
  public var identity: IdentitySettings
  /// How event streams are kept and written.
  public var streams: StreamSettings
  /// How one connection carries many streams.
  public var mux = MuxSettings.default
  /// What one client may take and how long it may take.
  public var clients: ClientSettings
  /// Who may say for whom it asks.
  public var proxies = ProxySettings.default
  /// How clients prove who they are at the gateway's own paths; `nil` where nobody is asked.
  ///
  /// Routes have theirs already.
  public var authentication: AuthenticationSettings?
  /// How tickets are given out; `nil` where none are.
  public var tickets: TicketSettings?
  /// How many there may be of what, in the order of the file.
  public var limits: [Limit] = []
  /// How much memory the gateway takes for its clients' work.
  public var memory = MemorySettings.default
  /// How many loops serve.
  public var workers = WorkerSettings.auto
  /// Where runs are kept from one process to the next.
  public var stateDirectory: StateDirectory
  /// How the gateway ends.
  public var drain: DrainSettings
  /// What it writes about itself.
  public var log: LogSettings

  /// Puts settings together; the values are taken as they are, the upstreams in alphabetical order.
  ///
  /// - Parameters:
  ///   - listen: where clients come in.
  ///   - upstreams: the pools by name.
  ///   - routes: what is served; every upstream they name is one of `upstreams`.
  ///   - cors: which other origins may use the gateway's own paths; routes have their policies already.
  ///   - identity: what makes a client the one that began a run.
  ///   - streams: how event streams are kept and written.
  ///   - clients: what one client may take.
  ///   - stateDirectory: where runs are kept from one process to the next.
  ///   - drain: how the gateway ends.
  ///   - log: what it writes about itself.
  public init(
    listen: [ListenerSettings], upstreams: [String: UpstreamSettings], routes: [RouteSettings], cors: CORSPolicy? = nil,
    identity: IdentitySettings = .default, streams: StreamSettings = .default, clients: ClientSettings = .default,
    stateDirectory: StateDirectory = .none, drain: DrainSettings = .default, log: LogSettings = .default
  ) {
    self.listen = listen
    self.upstreams = upstreams
    upstreamNames = upstreams.keys.sorted()
    self.routes = routes
    self.cors = cors
    self.identity = identity
    self.streams = streams
    self.clients = clients
    self.stateDirectory = stateDirectory
    self.drain = drain
    self.log = log
  }
}

extension Settings {
  /// Reads and checks a text.
  ///
  /// - Parameters:
  ///   - yaml: one YAML document.
  ///   - file: the name for it in problems.
  /// - Returns: the settings, every default filled in.
  /// - Throws: everything that is wrong with it; nothing of such a text is used.
  public static func parse(yaml: String, file: String) throws(SettingsError) -> Settings {
    let report = SettingsReport(file: file)
    let settings = SettingsNode(yaml: yaml, report: report).map { root in
      SettingsReader(root: root, report: report).read { Settings($0) }
    }
    guard let settings, report.count == 0 else { throw report.error() }
    return settings
  }

  /// Reads and checks a file.
  ///
  /// - Parameter file: its path; at most 1 MiB is read.
  /// - Returns: the settings, every default filled in.
  /// - Throws: everything that is wrong with it, or the system's words for why it cannot be read.
  public static func load(file: String) throws(SettingsError) -> Settings {
    try parse(yaml: SettingsFile.text(of: file), file: file)
  }

  init(_ reader: SettingsReader) {
    let listen: [ListenerSettings] = reader.sections(
      "listen", count: 1...64, once: (key: "address", of: \.address.identity), "Where clients come in."
    ) { ListenerSettings($0) }
    let proxies = ProxySettings(reader)
    if reader.isClean { proxies.check(listen, reader) }
    let upstreams = reader.namedSections("upstreams", atMost: 256, "The pools of orchestrators by name.") {
      UpstreamSettings($0)
    }
    let cors = reader.optionalSection(
      "cors", "Which other origins may use the routes and the paths below /_sluice/; without it, none."
    ) { CORSPolicy($0) }
    let names = upstreams?.map(\.name)
    let authentication = reader.optionalSection(
      "authentication", "How clients prove who they are; an empty mapping asks nobody."
    ) { AuthenticationSettings($0, upstreams: names) }
    let routes: [RouteSettings] = reader.sections(
      "routes", count: 1...1024, once: (key: "path", of: \.identity), "What is served, and by which upstream."
    ) { RouteSettings($0, upstreams: names, cors: cors, authentication: authentication) }
    self.init(
      listen: listen,
      upstreams: (upstreams ?? []).reduce(into: [:]) { $0[$1.name] = $1.value },
      routes: routes,
      cors: cors,
      identity: reader.section("identity", "What makes a client the one that began a run; others get 403.") {
        IdentitySettings($0)
      },
      streams: reader.section("streams", "How event streams are kept and written.") { StreamSettings($0) },
      clients: reader.section("clients", "What one client may take.") { ClientSettings($0) },
      stateDirectory: reader.text(
        "state_directory", default: .none, allowed: StateDirectory.allowed,
        "A directory where runs are kept over a restart, so that their readers can resume; none = a restart loses them."
      ) { StateDirectory($0) },
      drain: reader.section("drain", "How the gateway ends.") { DrainSettings($0) },
      log: reader.section("log", "What the gateway writes about itself.") { LogSettings($0) })
    upstreamNames = names ?? []
    self.proxies = proxies
    self.authentication = authentication
    tickets = reader.optionalSection(
      "tickets", "One-time tickets for EventSource, which can send no header; without it, there are none."
    ) { TicketSettings($0) }
    mux = reader.section("mux", "How one connection carries many streams.") { MuxSettings($0) }
    limits = Limit.list(reader)
    memory = reader.section("memory", "How much memory the gateway takes for its clients' work.") {
      MemorySettings($0)
    }
    workers = reader.text(
      "workers", default: .auto, allowed: WorkerSettings.allowed,
      "How many loops serve, each on a thread of its own; auto = one for each processor the process may use."
    ) { WorkerSettings($0) }
  }
}

extension ListenAddress {
  /// What may be listed once only; `nil` where the kernel chooses another port each time.
  fileprivate var identity: String? {
    switch self {
    case .ipv4(_, port: 0), .ipv6(_, port: 0): nil
    default: "\(self)"
    }
  }
}

extension RouteSettings {
  /// What may be listed once only, because order decides nothing.
  fileprivate var identity: String? {
    "\(path) for \(host.map { "host \($0)" } ?? "every host")"
  }
}
