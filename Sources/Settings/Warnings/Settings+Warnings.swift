import Admission

extension Settings {
  /// What is allowed, but likely to go wrong.
  ///
  /// - Parameter surroundings: what is known of the machine; what is not known gives no warning.
  /// - Returns: the warnings in the order of the settings, none twice.
  public func warnings(in surroundings: Surroundings) -> [SettingsWarning] {
    listenWarnings() + certificateWarnings(surroundings) + proxies.warnings() + upstreamWarnings() + routeWarnings()
      + corsWarnings() + identityWarnings()
      + Limit.warnings(of: limits, identity: identity)
      + streams.warnings(in: surroundings) + clientWarnings(surroundings) + memoryWarnings(in: surroundings)
      + drainWarnings(surroundings)
  }

  private func listenWarnings() -> [SettingsWarning] {
    var warnings: [SettingsWarning] = []
    for (index, address) in listen.map(\.address).enumerated()
    where address.reach == .world && listen[index].tls == nil && listen[index].redirect == nil {
      warnings.append(
        SettingsWarning(
          key: "listen[\(index)].address",
          text: "\(address) is a public address, and what comes in there is neither encrypted nor asked who it is; "
            + "give it tls, or listen on a private address behind a proxy that does both"))
    }
    if let hostless = routes.firstIndex(where: { $0.host == nil }),
      let address = listen.map(\.address).first(where: { $0.reach == .neighbourhood })
    {
      warnings.append(
        SettingsWarning(
          key: "routes[\(hostless)].host",
          text: "no host is named, so a website whose own name points to \(address) counts as the same origin "
            + "there (DNS rebinding); name the hosts that clients use"))
    }
    return warnings
  }

  private func upstreamWarnings() -> [SettingsWarning] {
    let asked = (routes.map(\.authentication) + [authentication]).compactMap { $0?.authorize?.upstream }
    let used = Set(routes.map(\.action.upstream) + asked)
    return upstreamNames.flatMap { name -> [SettingsWarning] in
      guard let pool = upstreams[name] else { return [] }
      var warnings: [SettingsWarning] = []
      func warn(_ key: String, _ text: String) {
        warnings.append(SettingsWarning(key: "upstreams.\(name)\(key)", text: text))
      }
      if !used.contains(name) { warn("", "no route uses this upstream") }
      if pool.tls?.verifies == false {
        warn(
          ".tls.verify",
          "insecure: whoever is on the way to these endpoints can answer for them and read every request; name their "
            + "authority in ca")
      }
      if pool.keepAlive >= .seconds(5) {
        warn(
          ".keep_alive",
          "uvicorn closes unused connections after 5s by default, and a request sent at that moment is lost; stay "
            + "below the orchestrator's own time")
      }
      let timeouts = [("first_byte_timeout", pool.firstByteTimeout), ("idle_timeout", pool.idleTimeout)]
      for (key, timeout) in timeouts where timeout <= streams.heartbeat {
        warn(
          ".\(key)",
          "an answer that pauses is given up before the first heartbeat (streams.heartbeat) would have kept its "
            + "client; models often think longer than that")
      }
      return warnings
    }
  }

  private func routeWarnings() -> [SettingsWarning] {
    routes.indices.flatMap { index -> [SettingsWarning] in
      let route = routes[index]
      var warnings: [SettingsWarning] = []
      if route.credentials.authorization, route.cors?.origins.contains(.any) == true {
        warnings.append(
          SettingsWarning(
            key: "routes[\(index)].forward_credentials",
            text: "every website may use this route (cors.origins has *), and the Authorization its script sets "
              + "reaches the upstream; list the origins"))
      }
      if route.action.answerAfter >= streams.heartbeat {
        warnings.append(
          SettingsWarning(
            key: "routes[\(index)].answer_after",
            text: "nothing is written while the answer waits, not even a heartbeat (streams.heartbeat); proxies may "
              + "cut the request first"))
      }
      if let text = warning(of: route.onAbandoned, upstream: route.action.upstream) {
        warnings.append(SettingsWarning(key: "routes[\(index)].on_abandoned", text: text))
      }
      if case .coalesce = route.slowReaders, streams.log.bytes < 2 * streams.clientBufferBytes {
        warnings.append(
          SettingsWarning(
            key: "routes[\(index)].slow_readers",
            text:
              "streams.log keeps hardly more than a reader may lag (streams.client_buffer), so what texts are merged "
              + "from is gone at once and the reader is disconnected; take a larger streams.log.bytes"))
      }
      return warnings
    }
  }

  private func warning(of onAbandoned: OnAbandoned, upstream: String) -> String? {
    switch onAbandoned {
    case .cancel: return nil
    case .linger(let time) where time <= streams.retry.max:
      return "a client whose connection drops comes back after up to \(UnitScale.text(for: streams.retry.max)) "
        + "(streams.retry), and its run is ended by then; linger longer"
    case .linger(let time):
      guard time > .seconds(60) else { return nil }
      return "the model works on, and is paid, for \(UnitScale.text(for: time)) after the last client has left; who "
        + "comes back mostly does within seconds"
    case .detach:
      guard let pause = upstreams[upstream]?.idleTimeout, pause > .seconds(300) else { return nil }
      return "nobody watches such a run, and its orchestrator may be silent for \(UnitScale.text(for: pause)) "
        + "(upstreams.\(upstream).idle_timeout) before it is given up; shorten that"
    }
  }

  private func identityWarnings() -> [SettingsWarning] {
    guard identity.headers.isEmpty, identity.cookies.isEmpty else { return [] }
    return [
      SettingsWarning(
        key: "identity",
        text: "without headers and cookies every run is opened by its id alone, so whoever comes to know one can read "
          + "and stop the run; name what your users are known by")
    ]
  }

  private func clientWarnings(_ surroundings: Surroundings) -> [SettingsWarning] {
    var warnings: [SettingsWarning] = []
    if clients.idleTimeout <= .seconds(60) {
      warnings.append(
        SettingsWarning(
          key: "clients.idle_timeout",
          text: "nginx and most load balancers keep unused connections for 60s, and a request they send when this "
            + "gateway is just closing one fails; stay above the proxy's own time"))
    }
    if let clients = surroundings.clients, let files = surroundings.openFiles, clients > files / 2 {
      warnings.append(
        SettingsWarning(
          key: "clients",
          text: "\(clients) clients with a run each take two descriptors each, and the process may have \(files) open; "
            + "raise LimitNOFILE"))
    }
    return warnings
  }

  private func drainWarnings(_ surroundings: Surroundings) -> [SettingsWarning] {
    guard drain.deadline >= surroundings.stopTimeout else { return [] }
    let seconds = surroundings.stopTimeout.components.seconds
    return [
      SettingsWarning(
        key: "drain.deadline",
        text: "the service manager kills after \(seconds)s (TimeoutStopSec), before the last runs may end; stay below, "
          + "or raise it there")
    ]
  }
}

extension RouteAction {
  fileprivate var upstream: String {
    switch self {
    case .run(let run): run.upstream
    case .feed(let feed): feed.upstream
    }
  }

  fileprivate var answerAfter: Duration {
    switch self {
    case .run(let run): run.answerAfter
    case .feed(let feed): feed.answerAfter
    }
  }
}

extension ListenAddress {
  fileprivate enum Reach {
    /// Only processes that may open the socket's file.
    case machine
    /// This machine, or the network around it.
    case neighbourhood
    /// Everyone.
    case world
    /// All addresses of the machine, whichever these are; in a container usually a private one.
    case unknown
  }

  /// Who can come to this address (RFC 6890).
  fileprivate var reach: Reach {
    switch self {
    case .unix: .machine
    case .ipv4(let host, _): Host(host)?.reach ?? .unknown
    case .ipv6(let host, _): Host("[\(host)]")?.reach ?? .unknown
    }
  }
}

extension Host {
  fileprivate var reach: ListenAddress.Reach {
    switch self {
    case .name: .unknown
    case .ipv4(0), .ipv6(0): .unknown
    case .ipv4(let value):
      [(0x0a00_0000, 8), (0x7f00_0000, 8), (0x6440_0000, 10), (0xa9fe_0000, 16), (0xac10_0000, 12), (0xc0a8_0000, 16)]
        .contains { value >> (32 - $1) == $0 >> (32 - $1) } ? .neighbourhood : .world
    case .ipv6(let value):
      value == 1 || value >> 121 == 0xfc >> 1 || value >> 118 == 0xfe80 >> 6 ? .neighbourhood : .world
    }
  }
}
